"""Why a record is there, and why one is not: the causes of a fill, an order or a decision, and what held a quote back."""
