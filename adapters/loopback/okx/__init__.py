"""OKX v5 as a server on localhost: USDT-margined swaps, and the market data of spot."""

from adapters.loopback.okx.limits import RateLimits
from adapters.loopback.okx.listings import CONTRACTS
from adapters.loopback.okx.venue import OkxVenue

__all__ = ["CONTRACTS", "OkxVenue", "RateLimits"]
