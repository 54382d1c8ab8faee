"""Bybit v5, linear perpetuals and futures; spot as public data."""
