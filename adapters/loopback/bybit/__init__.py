"""Bybit v5 `linear` as a server on localhost."""

from adapters.loopback.bybit.limits import RateLimits
from adapters.loopback.bybit.venue import BybitVenue

__all__ = ["BybitVenue", "RateLimits"]
