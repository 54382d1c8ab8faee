"""What every venue shares: the only code that does I/O, and the nouns that a venue fills in."""
