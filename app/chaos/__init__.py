"""Sessions on a wire that fails by plan, and the search for the smallest plan that breaks one."""
