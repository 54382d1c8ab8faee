"""Every shipped strategy trades live on loopback venues, two of them at once, and each session is the same again to the bit.

With TAPELINE_PICTURES=docs/pictures the sessions are longer, and `tapeline picture` draws docs/traders.md's pictures from them.
"""

import os
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest

from adapters import order_ids
from app.cli import run
from app.config import RunConfig, StrategyConfig
from app.session import LiveSession
from replay.compare import compare
from replay.verify import verify
from state.log import Log
from state.manifest import Manifest
from streams.strategies import STRATEGIES
from streams.strategies.recorded import strategies_of
from tests.live import SIZES, VenueThread, record

PICTURES = os.environ.get("TAPELINE_PICTURES", "")
BTC, ETH = "BTCUSDT", "ETHUSDT"
TIGHT = {"min_bps": 0.1, "requote_s": 0.1}
Fields = Mapping[str, object]

# Strategy -> its market and parameters, tight enough to be hit within seconds; each session has one strategy a market.
SESSIONS: dict[str, dict[str, tuple[str, str, Fields]]] = {
    "of one market": {
        "plain": ("bybit", BTC, TIGHT | {"base_spread_bps": 0.3, "volatility_factor": 0.1, "level_spacing_bps": 0.5}),
        "skewed": ("bybit", ETH, TIGHT | {"base_spread_bps": 0.3, "volatility_factor": 0.1, "max_signal_bps": 0.5}),
        "avellaneda_stoikov": ("binance", BTC, TIGHT | {"max_bps": 0.6, "min_arrivals": 3, "level_spacing_bps": 0.5}),
        "glft": ("binance", ETH, TIGHT | {"max_bps": 0.6, "min_arrivals": 3, "level_spacing_bps": 0.5}),
    },
    "of two markets": {
        "lead_lag": ("bybit", BTC, TIGHT | {"lead_venue": "binance", "lead_symbol": BTC, "spread_bps": 0.4}),
        "cross_venue": ("bybit", ETH, TIGHT | {"lead_venue": "binance", "lead_symbol": ETH, "spread_bps": 0.4}),
        "twap": ("binance", BTC, {"side": "buy", "size": "0.1", "duration_s": 6.0, "parts": 6}),
    },
    "that leave again": {
        "stinky": (
            "binance", ETH,
            {"nearest_bps": 0.2, "furthest_from_mid_bps": 1.0, "exit_after_s": 1.0, "requote_s": 0.5, "tolerance_bps": 0.1},
        ),
        "taker": (
            "bybit", ETH,
            {"threshold_bps": 0.05, "max_signal_bps": 2.0, "imbalance_bps": 2.0, "flow_bps": 2.0, "exit_after_s": 1.0},
        ),
        "funding_carry": (
            "binance", BTC,
            {"hedge_venue": "bybit", "hedge_symbol": BTC, "max_premium_bps": 1e6},
        ),
    },
}  # fmt: skip
FILLS = {"stinky": 2, "taker": 2, "funding_carry": 1, "twap": 2}


def config_of(name: str, fields: tuple[str, str, Fields]) -> StrategyConfig:
    venue, symbol, params = fields
    size, most = SIZES[venue][symbol]
    if "side" in params:
        return StrategyConfig(name, name, {"venue": venue, "symbol": symbol, **params})
    return StrategyConfig(name, name, {"venue": venue, "symbol": symbol, "size": size, "max_position": most, **params})


@pytest.fixture(scope="module", params=SESSIONS, ids=lambda name: name)
def ran(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str, LiveSession]:
    """Name of the group, URL of the log, the session at its end."""
    strategies = SESSIONS[request.param]
    url = f"sqlite:///{tmp_path_factory.mktemp('traders')}/log.db"

    def all_filled(session: LiveSession) -> bool:
        accounts = session.pipeline.shared.accounts
        return all(
            venue in accounts and accounts[venue].ledger.position(symbol).fills >= FILLS.get(name, 3)
            for name, (venue, symbol, _) in strategies.items()
        )

    with VenueThread("bybit", seed=11) as bybit, VenueThread("binance", seed=12) as binance:
        bybit.call(
            lambda venue: setattr(venue.floor.markets[BTC], "funding_rate", Decimal("-0.0002"))
        )  # paid there by shorts
        config = RunConfig(
            [bybit.line(), binance.line()], [config_of(*each) for each in strategies.items()], stop="flatten"
        )
        session = record(url, config, for_s=30 if PICTURES else 120, until=None if PICTURES else all_filled)
    return request.param, url, session


def test_every_shipped_strategy_is_run() -> None:
    assert {name for group in SESSIONS.values() for name in group} == set(STRATEGIES)


def test_each_of_them_trades_live_and_none_fails(ran: tuple[str, str, LiveSession]) -> None:
    group, url, session = ran
    assert session.failure is None
    assert session.pipeline.shared.failed == {}
    with Log.open(url) as log:
        lines = {line.strategy: line for line in compare(log, session.id)}
    for name, (venue, symbol, _) in SESSIONS[group].items():
        assert lines[name].fills >= FILLS.get(name, 3), name
        assert f"{venue} {symbol}" in lines[name].positions
    for name, other in (("cross_venue", f"binance {ETH}"), ("funding_carry", f"bybit {BTC}")):
        if name in lines:
            assert other in lines[name].positions, "each fill is hedged there"


def test_each_session_is_the_same_again_to_the_bit(ran: tuple[str, str, LiveSession]) -> None:
    _, url, session = ran
    with Log.open(url) as log:
        row = log.find(session.id)
        verdict = verify(log, row.id, strategies_of(Manifest.parse(row.manifest)), order_ids(row.id))
    assert verdict.same, verdict.difference


def test_each_market_can_be_drawn(
    ran: tuple[str, str, LiveSession], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    group, url, session = ran
    for name, (venue, symbol, _) in SESSIONS[group].items():
        path = (Path(PICTURES) if PICTURES else tmp_path) / f"{name}.svg"
        words = ["picture", session.id, "--venue", venue, "--symbol", symbol, "-o", str(path), "--log", url]
        assert run(words) == 0
        drawn = path.read_text()
        fills = session.pipeline.shared.account(venue).ledger.position(symbol).fills
        assert drawn.count("class='fill'") == fills >= FILLS.get(name, 3)
        assert len(drawn) < 80_000, "small enough for a page of docs"
    assert run([*words[:-3], str(tmp_path / "again.svg"), *words[-2:]]) == 0
    assert (tmp_path / "again.svg").read_text() == drawn, "the last of them"
    assert run(["picture", session.id, "--log", url]) == 2
    assert "say --venue and --symbol" in capfd.readouterr().err
