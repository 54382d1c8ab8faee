"""Settings that can never hold are refused where they are read, and every assumption is named."""

from decimal import Decimal

import msgspec
import pytest

from adapters.paper import FeeTier, PaperSettings, PaperVenue
from app.defaults import parse_settings
from state.errors import ConfigurationError
from tests.adapters.paper.stage import Stage, feed, instrument, place, trade, words

WRONG: dict[str, dict[str, object]] = {
    "a latency below zero": {"order_latency_ms": -1},
    "a latency that is no number": {"response_latency_ms": float("nan")},
    "a latency of a day": {"order_latency_ms": 86_400_000},
    "a negative balance": {"balance": Decimal(-1)},
    "an endless balance": {"balance": Decimal("Infinity")},
    "no leverage": {"leverage": Decimal(0)},
    "a fee above everything": {"taker_fee_bps": Decimal(10_000)},
    "a fee that is no number": {"maker_fee_bps": Decimal("NaN")},
    "a queue that nobody wrote": {"queue": "hopeful"},
}


@pytest.mark.parametrize("said", WRONG.values(), ids=WRONG)
def test_what_can_never_hold_is_refused(said: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match="paper"):
        msgspec.structs.replace(PaperSettings(), **said)


def test_an_unknown_key_is_named() -> None:
    with pytest.raises(msgspec.ValidationError, match="latency_s"):
        msgspec.convert({"latency_s": 1}, PaperSettings)


def test_settings_are_read_from_toml() -> None:
    text = 'order_latency_ms = 3\ntaker_fee_bps = "4.5"\nbalance = "250"\nasset = "USDC"'
    settings = msgspec.toml.decode(text, type=PaperSettings)
    assert (settings.entry_ms()["cancel"], settings.taker_fee_bps, settings.balance) == (
        3.0,
        Decimal("4.5"),
        Decimal(250),
    )


@pytest.mark.parametrize(
    ("own", "said", "fee"),
    [
        pytest.param(None, None, "-0.0555500", id="the usual fee where nobody says"),
        pytest.param("0.0003", None, "-0.0303", id="the instrument's own fee"),
        pytest.param("0.0003", "1", "-0.0101", id="the setting goes before the instrument"),
        pytest.param(None, "-1", "0.0101", id="a rebate comes in"),
    ],
)
def test_the_fee_that_is_paid(own: str | None, said: str | None, fee: str) -> None:
    settings = PaperSettings(order_latency_ms=0, response_latency_ms=0, taker_fee_bps=Decimal(said) if said else None)
    defined = msgspec.structs.replace(instrument(), taker_fee=Decimal(own) if own else None)
    told = Stage(settings, defined).play(place("a", "buy", "1", "101"))
    assert words(told)[1] == "a buy 1 @ 101 taker"
    assert told[1].fee == Decimal(fee)  # type: ignore[union-attr]


def test_every_assumption_is_a_sentence_of_its_own() -> None:
    told = PaperVenue("paper", PaperSettings(order_latency_ms=7), "s").assumptions()
    subjects = [line.split(": ")[1] for line in told]
    assert len(set(subjects)) == len(subjects)
    assert {"latency", "queue (conservative)", "fees", "funding", "liquidation", "impact", "gaps"} <= set(subjects)
    assert "7 ms to the venue" in told[0]


def test_gaps_that_were_met_are_counted_among_the_assumptions() -> None:
    stage = Stage()
    stage.play(place("a", "buy", "1", "100"), feed("gap"), trade("sell", 9.0, 99.0))
    assert any(
        "there were 1, and 1 trades in them reached a price of ours" in line for line in stage.venue.assumptions()
    )


def test_lists_can_be_set_on_the_command_line() -> None:
    tiers = '[{"volume":"0","maker_bps":"1","taker_bps":"4"}]'
    _, settings = parse_settings([f"paper.fee_tiers={tiers}", "paper.requests_per_s=10", "paper.latency=lognormal"])
    assert settings.fee_tiers == (FeeTier(Decimal(0), Decimal(1), Decimal(4)),)
    assert (settings.requests_per_s, settings.latency) == (10, "lognormal")
    with pytest.raises(ConfigurationError, match="not a list"):
        parse_settings(["paper.fee_tiers=[1,"])
