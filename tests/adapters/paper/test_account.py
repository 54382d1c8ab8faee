"""What the account pays, and when it is taken away from it; how many requests a second the venue takes."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from adapters.paper import FeeTier, PaperSettings
from adapters.paper.account import PaperAccount
from adapters.paper.fees import FeeSchedule
from state.errors import ConfigurationError
from state.events import BalanceUpdate, Fill, PositionUpdate
from state.instruments import Instrument
from state.ledger import Ledger
from tests.adapters.paper.stage import (
    INSTANT,
    MS,
    Act,
    Stage,
    amend,
    book,
    cancel,
    instrument,
    place,
    ticker,
    trade,
    words,
)

TIERS = (
    FeeTier(Decimal(1_000), Decimal(1), Decimal(4)),
    FeeTier(Decimal(300), Decimal("1.5"), Decimal("4.5")),
    FeeTier(Decimal(5_000), Decimal("-0.5"), Decimal(3)),
)


def test_fees_follow_the_volume_that_was_traded_before_the_fill() -> None:
    settings = msgspec.structs.replace(INSTANT, fee_tiers=TIERS, fee_volume=Decimal(100))
    stage = Stage(settings)
    buys: list[Act] = [place(f"c{n}", "buy", "2", "101", "ioc") for n in range(2)]
    sells: list[Act] = [place(f"s{n}", "sell", size, "100", "ioc") for n, size in enumerate(("4", "1"))]
    quotes: list[Act] = [place("q", "buy", "1", "98"), trade("sell", 50.0, 97.0)]
    fills = [event for event in stage.play(*buys, *sells, *quotes) if isinstance(event, Fill)]
    # 100 before, then 202, 202, 400, 100 and 98: 100, 302, 504, 904, 1004
    paid = [fill.fee / (fill.price * fill.size) * -10_000 for fill in fills]
    assert paid == [5, Decimal("4.5"), Decimal("4.5"), Decimal("4.5"), 1]


def test_inverse_contracts_count_towards_a_tier_by_what_they_are_worth_in_quote() -> None:
    """In coins no amount of them ever reached one."""
    settings = msgspec.structs.replace(INSTANT, fee_tiers=TIERS, fee_volume=Decimal(100))
    coin = msgspec.structs.replace(
        instrument(), settle="BTC", inverse=True, contract_size=Decimal(100), min_notional=Decimal(0)
    )
    stage = Stage(settings, coin)
    fills = [
        it for n in range(2) for it in stage.play(place(f"c{n}", "buy", "2", "101", "ioc")) if isinstance(it, Fill)
    ]
    assert [round(-it.fee * it.price / (it.size * 100) * 10_000, 9) for it in fills] == [5, Decimal("4.5")]


@pytest.mark.parametrize(
    ("asset", "began"),
    [pytest.param("", "what its markets settle in", id="unset"), pytest.param("EUR", "EUR", id="set")],
)
def test_an_asset_that_the_account_has_not_is_told_with_what_it_began_with(asset: str, began: str) -> None:
    settings = PaperSettings(asset=asset)
    account = PaperAccount("v", settings, FeeSchedule(settings))
    lack = account.lack(Instrument.defined(instrument("spot")), "sell", Decimal(1), Decimal(100))
    assert lack == f"the account has no BTC: it began with {began} (`asset` of the paper settings)"


def test_a_rebate_of_a_tier_comes_in() -> None:
    settings = msgspec.structs.replace(INSTANT, fee_tiers=TIERS, fee_volume=Decimal(5_000))
    told = Stage(settings).play(place("q", "buy", "1", "100"), trade("sell", 50.0, 99.0))
    [fill] = [event for event in told if isinstance(event, Fill)]
    assert fill.fee == Decimal("0.005")


@pytest.mark.parametrize(
    "said",
    [
        pytest.param({"fee_tiers": (TIERS[0], TIERS[0])}, id="two tiers from one volume"),
        pytest.param({"fee_tiers": (FeeTier(Decimal(-1), Decimal(1), Decimal(1)),)}, id="a tier below nothing"),
        pytest.param({"fee_tiers": (FeeTier(Decimal(1), Decimal(10_000), Decimal(1)),)}, id="a tier that takes all"),
        pytest.param({"fee_volume": Decimal(-1)}, id="a negative volume"),
        pytest.param({"maintenance_margin": Decimal(1)}, id="a margin of everything"),
        pytest.param({"requests_per_s": 0}, id="no request at all"),
        pytest.param({"latency_sigma": 9.0}, id="a latency that is anything"),
        pytest.param({"feed_latency_ms": -1.0}, id="market data before it happens"),
        pytest.param({"queue_power": 0.0}, id="no power"),
    ],
)
def test_what_can_never_hold_is_refused(said: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="paper"):
        msgspec.structs.replace(PaperSettings(), **said)


# --- requests a second ---


def test_requests_beyond_the_budget_of_their_action_are_refused() -> None:
    stage = Stage(msgspec.structs.replace(INSTANT, requests_per_s=2))
    told = stage.play(
        place("a", "buy", "1", "99"),
        place("b", "buy", "1", "99"),
        place("c", "buy", "1", "99"),
        amend("a", "98", "1"),
        cancel("b"),
    )
    assert words(told) == [
        "accepted", "a open 0/1", "accepted", "b open 0/1", "rejected rate rate_limit",
        "accepted", "a open 0/1", "accepted", "b cancelled 0/1",
    ]  # fmt: skip
    stage.now += 998 * MS
    assert words(stage.play(place("d", "buy", "1", "99"), place("e", "buy", "1", "99"))) == [
        "accepted", "d open 0/1", "accepted", "e open 0/1",
    ]  # fmt: skip
    assert (stage.venue.statistics.throttled, stage.venue.statistics.refused) == (1, 1)


# --- liquidation ---

THIN = msgspec.structs.replace(
    INSTANT, balance=Decimal(100), leverage=Decimal(10), maker_fee_bps=Decimal(0), taker_fee_bps=Decimal(0)
)


def test_an_account_that_cannot_hold_its_position_loses_everything() -> None:
    """5 long at 101 with 100: at a mark of 81.5 the equity is 2.5 and 0.5 % of the value 2.04; at 81.2 they are 1 and 2.03."""
    stage = Stage(THIN)
    stage.play(place("a", "buy", "5", "101"), place("b", "buy", "1", "90"))
    assert words(stage.play(ticker(None, None, 82.0), ticker(None, None, 81.5))) == []
    told = stage.play(ticker(None, None, 81.2))
    assert words(told) == ["b cancelled 0/1 liquidation", "None sell 5 @ 81.2 taker"]
    fill = next(event for event in told if isinstance(event, Fill))
    assert (fill.kind, fill.fee) == ("liquidation", Decimal("-1.0"))
    position = next(event for event in told if isinstance(event, PositionUpdate))
    balance = next(event for event in told if isinstance(event, BalanceUpdate))
    assert (position.size, balance.total, balance.available) == (0, 0, 0)
    assert stage.venue.statistics.liquidations == 1
    assert words(stage.play(place("c", "buy", "1", "99"))) == ["rejected funds insufficient_balance"]


def test_a_jump_through_everything_leaves_a_debt() -> None:
    stage = Stage(THIN)
    stage.play(place("a", "sell", "5", "100"))
    told = stage.play(ticker(None, None, 150.0))
    assert next(event for event in told if isinstance(event, BalanceUpdate)).total == 100 - 250


def test_without_a_mark_the_trades_are_the_price() -> None:
    stage = Stage(THIN)
    stage.play(place("a", "buy", "5", "101"), book(bids=[], asks=[]))
    assert words(stage.play(trade("sell", 1.0, 70.0))) == ["None sell 5 @ 70 taker"]


def test_a_position_without_leverage_is_not_taken_away() -> None:
    stage = Stage(msgspec.structs.replace(THIN, balance=Decimal(505), leverage=Decimal(1)))
    stage.play(place("a", "buy", "5", "101"))
    assert words(stage.play(*(ticker(None, None, mark) for mark in (60.0, 20.0, 1.0)))) == []


def test_the_ledger_of_whoever_listens_adds_up_through_a_liquidation() -> None:
    stage = Stage(THIN)
    ledger = Ledger("paper")
    for event in [
        *stage.venue.opening(0),
        *stage.play(place("a", "buy", "5", "101"), ticker(None, None, 95.0), ticker(None, None, 80.0)),
    ]:
        if isinstance(event, Fill):
            rules = stage.venue.instrument("BTCUSDT")
            ledger.filled(event, rules)
        elif isinstance(event, BalanceUpdate):
            ledger.balance_reported(event)
            assert ledger.balance("USDT").difference == 0
    assert ledger.position("BTCUSDT").size == 0
    assert instrument().settle == "USDT"
