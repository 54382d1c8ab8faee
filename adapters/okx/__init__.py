"""OKX v5, perpetual swaps; spot as public data."""
