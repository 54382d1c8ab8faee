"""Hyperliquid: perpetuals of its own order book. What is here says what the venue's wire means; nothing opens a socket."""
