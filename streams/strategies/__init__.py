"""Strategies: functions from feeds and parameters to decisions, and where configuration finds them by name."""

from streams.strategies.plain import Plain, plain
from streams.strategies.registry import STRATEGIES, Registered, build

__all__ = ["STRATEGIES", "Plain", "Registered", "build", "plain"]
