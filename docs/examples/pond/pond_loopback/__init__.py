"""The other side of Pond's wire, on localhost. It shares no code with the adapter, so that no misreading cancels itself out."""

from pond_loopback.venue import PondVenue

__all__ = ["PondVenue"]
