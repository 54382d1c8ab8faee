"""A venue without a wire: intents matched here against live or recorded market data, in virtual time."""

from adapters.paper.exchange import PaperExchange
from adapters.paper.fees import FeeTier
from adapters.paper.latency import OrderLatency
from adapters.paper.report import PaperStatistics
from adapters.paper.settings import PaperSettings
from adapters.paper.venue import PaperVenue

__all__ = ["FeeTier", "OrderLatency", "PaperExchange", "PaperSettings", "PaperStatistics", "PaperVenue"]
