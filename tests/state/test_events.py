"""The vocabulary: tags are given once, families are complete, every event survives the wire it is stored on."""

from collections.abc import Callable
from decimal import Decimal
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from state import events
from state.events import BY_NAME, DERIVED, EVENTS, INTENT, AnyEvent, PlaceOrder, Trade, is_derived
from state.log.rows import journal_values
from state.record import Record, event_to_json

FAMILIES = {1: events.MARKET, 2: events.ACCOUNT, 3: events.INTENT, 4: events.OUTCOME, 5: events.SESSION}


def tag(event: type[AnyEvent]) -> int:
    given_tag = event.__struct_config__.tag
    assert isinstance(given_tag, int)
    return given_tag


def test_tags_are_unique_and_in_order() -> None:
    tags = [tag(event) for event in EVENTS]
    assert tags == sorted(set(tags))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_tag_is_family_kind_and_version(family: int) -> None:
    for kind, event in enumerate(FAMILIES[family], 1):
        told_family, told_kind, version = tag(event) // 10_000, tag(event) // 100 % 100, tag(event) % 100
        assert (told_family, told_kind) == (family, kind)
        assert version >= 1


# The tags that logs were written with: a line may be added, none may change.
GIVEN = {
    "BookSnapshot": 10101, "BookDelta": 10201, "Trade": 10301, "Ticker": 10401, "Candle": 10501, "Liquidation": 10601,
    "InstrumentDefined": 10701, "BookOrder": 10801,
    "OrderUpdate": 20101, "Fill": 20201, "PositionUpdate": 20301, "BalanceUpdate": 20401,
    "FundingPayment": 20501, "PlaceOrder": 30101, "AmendOrder": 30201, "CancelOrder": 30301, "CancelAll": 30401,
    "Accepted": 40101, "Rejected": 40201, "Unknown": 40301, "Blocked": 40401, "SessionOpened": 50101, "FeedStatus": 50201,
    "Tick": 50301, "Command": 50401, "Signal": 50501, "Reconciled": 50601, "StrategyFailed": 50701, "Halted": 50801,
    "SessionClosed": 50901, "RiskChanged": 51001, "ParametersChanged": 51101, "CommandRefused": 51201,
}  # fmt: skip


def test_tags_once_given_stay() -> None:
    assert {event.__name__: tag(event) for event in EVENTS} == GIVEN


def test_every_event_of_the_module_is_in_a_family_and_found_by_name() -> None:
    defined = {
        name
        for name, thing in vars(events).items()
        if isinstance(thing, type) and issubclass(thing, msgspec.Struct) and name != "Event"
    }
    assert defined == {event.__name__ for event in EVENTS} == set(BY_NAME)
    assert set(get_args(AnyEvent)) == set(EVENTS)
    assert all(BY_NAME[event.__name__] is event for event in EVENTS)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)
def test_an_event_is_frozen_untracked_and_an_array(event: type[AnyEvent]) -> None:
    config = event.__struct_config__
    assert (config.frozen, config.gc, config.array_like) == (True, False, True)
    assert isinstance(getattr(event, "venue", None), str) or "venue" in event.__struct_fields__
    assert isinstance(getattr(event, "symbol", None), str) or "symbol" in event.__struct_fields__


def test_what_is_derived_is_what_replay_concludes_again() -> None:
    assert {event.__name__ for event in DERIVED} == {event.__name__ for event in INTENT} | {
        "Blocked",
        "StrategyFailed",
        "Halted",
        "RiskChanged",
        "ParametersChanged",
        "CommandRefused",
    }
    assert is_derived(PlaceOrder("v", "s", "buy", Decimal(1)))
    assert not is_derived(Trade("v", "s", None, "1", 1.0, 1.0, "buy"))


MONEY = {event.__name__ for event in (*events.ACCOUNT, events.PlaceOrder, events.AmendOrder, events.InstrumentDefined)}


def test_what_is_observed_is_float_and_what_is_owed_is_decimal() -> None:
    for event in EVENTS:
        kinds = {repr(field.type) for field in msgspec.structs.fields(event)}
        assert not (event.__name__ in MONEY and any("float" in kind for kind in kinds)), event
        assert not (event.__name__ not in {*MONEY, "Blocked"} and any("Decimal" in kind for kind in kinds)), event


@st.composite
def any_event(draw: st.DrawFn) -> AnyEvent:
    """An event of any type with any field that its type allows and MessagePack can hold."""
    kind = draw(st.sampled_from(EVENTS))
    fields = {field.name: draw(_values(field.type)) for field in msgspec.structs.fields(kind)}
    make: Callable[..., AnyEvent] = kind
    return make(**fields)


def _values(kind: object) -> st.SearchStrategy[object]:
    if kind is Decimal:
        return st.decimals(allow_nan=False, allow_infinity=False)
    if kind is float:
        return st.floats(allow_nan=False)
    if kind is int:
        return st.integers(-(2**63), 2**63 - 1)
    if kind is str:
        return st.text()
    options = get_args(kind)
    if getattr(kind, "__origin__", None) is list:
        return st.lists(_values(options[0]), max_size=3)
    if getattr(kind, "__origin__", None) is tuple:
        return st.tuples(*(_values(option) for option in options))
    if options and all(isinstance(option, str) for option in options):
        return st.sampled_from(options)
    if options:
        return st.one_of(*(st.none() if option is type(None) else _values(option) for option in options))
    if kind is bool:
        return st.booleans()
    raise AssertionError(f"an event has a field of type {kind}, which no log was ever read back with")


@given(any_event(), st.integers(1, 2**62), st.integers(0, 2**62), st.integers(0, 2**62))
def test_a_record_of_any_event_comes_back_as_it_was(event: AnyEvent, seq: int, recv: int, cause: int) -> None:
    record = Record(seq, recv, cause, event)
    packed = msgspec.msgpack.encode(record)
    back = msgspec.msgpack.decode(packed, type=Record)
    assert back == record
    assert type(back.event) is type(event)
    assert msgspec.msgpack.encode(back) == packed


@given(any_event())
def test_json_of_any_event_is_its_name_and_then_its_fields(event: AnyEvent) -> None:
    said = {"type": type(event).__name__, **msgspec.structs.asdict(event)}
    assert event_to_json(event) == msgspec.json.encode(said)


@given(any_event())
def test_words_of_the_journal_are_those_of_the_event_without_what_no_database_holds(event: AnyEvent) -> None:
    words = journal_values(Record(1, 1, 0, event), None)[3:9]
    names = ("client_id", "order_id", "strategy")
    said = [type(event).__name__, event.venue, event.symbol, *(getattr(event, name, None) or None for name in names)]
    assert list(words) == [None if word is None else word.replace("\0", "\ufffd") for word in said]
