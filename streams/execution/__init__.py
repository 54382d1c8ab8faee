"""Execution: from what is to be done to the orders that do it, over time."""

from streams.execution.exits import timed_exits
from streams.execution.hedge import hedged
from streams.execution.tactics import Iceberg, Pov, Sniper, Tactic, Twap, Worked
from streams.execution.work import work

__all__ = ["Iceberg", "Pov", "Sniper", "Tactic", "Twap", "Worked", "hedged", "timed_exits", "work"]
