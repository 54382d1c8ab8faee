"""A wire that fails by plan: a proxy between any adapter and any venue, which drops, delays, tears, repeats and refuses.

It knows frames and requests and no venue, so the same plan is tried on all of them, and on a venue of somebody else's.
"""

from adapters.loopback.proxy.plan import KINDS, Plan, Trouble, random_plan
from adapters.loopback.proxy.proxy import FaultyWire, Upstream

__all__ = ["KINDS", "FaultyWire", "Plan", "Trouble", "Upstream", "random_plan"]
