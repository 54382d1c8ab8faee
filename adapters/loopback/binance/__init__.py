"""Binance as a server on localhost: the USD-M futures, and the market data of spot."""

from adapters.loopback.binance.limits import RateLimits
from adapters.loopback.binance.venue import BinanceVenue

__all__ = ["BinanceVenue", "RateLimits"]
