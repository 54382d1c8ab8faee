"""A venue without a wire: intents matched here against live or recorded market data, in virtual time."""

from adapters.paper.exchange import PaperExchange
from adapters.paper.report import PaperStatistics
from adapters.paper.settings import PaperSettings
from adapters.paper.venue import PaperVenue

__all__ = ["PaperExchange", "PaperSettings", "PaperStatistics", "PaperVenue"]
