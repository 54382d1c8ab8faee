"""Binance: USD-M futures, traded; spot, as public data. What is here says what the venue's wire means; nothing opens a socket."""
