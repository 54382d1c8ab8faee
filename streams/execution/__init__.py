"""Execution: from what is to be done to the orders that do it, over time."""

from streams.execution.exits import timed_exits

__all__ = ["timed_exits"]
