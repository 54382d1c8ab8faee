"""Strategies as a session's manifest names them: what ran live is what a replay runs."""

from collections.abc import Mapping

import msgspec

from state.errors import ConfigurationError
from state.manifest import Manifest, StrategyEntry
from streams.risk import RiskLimits, risk_gate
from streams.strategies.registry import build
from streams.strategy import Strategy


def entry(name: str, strategy: str, params: Mapping[str, object]) -> StrategyEntry:
    """What the manifest keeps of one strategy."""
    return StrategyEntry(name or strategy, strategy, msgspec.Raw(msgspec.json.encode(dict(params))))


def strategies_of(manifest: Manifest) -> list[Strategy]:
    """Raises `ConfigurationError` for a strategy that cannot be found or built any more."""
    limits = limits_of(manifest)
    return [gated(_built(known), limits) for known in manifest.strategies]


def limits_of(manifest: Manifest) -> RiskLimits | None:
    """The limits that the session put on every strategy."""
    try:
        return msgspec.json.decode(manifest.risk, type=RiskLimits | None)
    except msgspec.DecodeError as error:
        raise ConfigurationError(f"the manifest's risk limits cannot be read: {error}") from error


def gated(strategy: Strategy, limits: RiskLimits | None) -> Strategy:
    """The strategy behind the session's own limits, whatever limits it has itself."""
    if limits is None:
        return strategy
    given, change = limits, strategy.change

    def changed(params: Mapping[str, object]) -> Strategy:
        assert change is not None
        return gated(change(params), given)

    return Strategy(
        strategy.name,
        lambda feeds: strategy.decisions(feeds).pipe(risk_gate(given, feeds)),
        changed if change is not None else None,
    )


def _built(known: StrategyEntry) -> Strategy:
    return build(known.strategy, msgspec.json.decode(known.params, type=dict[str, object]), known.name)
