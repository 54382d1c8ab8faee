"""Risk: limits, the gate that turns what breaks them into `Blocked`, and the desk whose state they change."""

from state.words import RiskState
from streams.risk.bounds import Bounds, DeskLimits, LimitsWord, StateWord
from streams.risk.desk import risk_desk
from streams.risk.fresh import fresh
from streams.risk.gate import risk_gate
from streams.risk.limits import Quoting, RiskLimits, check_feasible

__all__ = [
    "Bounds",
    "DeskLimits",
    "LimitsWord",
    "Quoting",
    "RiskLimits",
    "RiskState",
    "StateWord",
    "check_feasible",
    "fresh",
    "risk_desk",
    "risk_gate",
]
