"""Risk: limits, and the gate that turns what breaks them into `Blocked`."""

from streams.risk.gate import risk_gate
from streams.risk.limits import Quoting, RiskLimits, check_feasible

__all__ = ["Quoting", "RiskLimits", "check_feasible", "risk_gate"]
