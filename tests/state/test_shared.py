"""The shared state: what is asked for is not thereby known, and a snapshot is read by the code that wrote it."""

from decimal import Decimal

import pytest

from state.errors import LogCorrupt, OffGrid, SchemaUnknown, WrongUse
from state.events import BookDelta, FeedStatus, InstrumentDefined, PlaceOrder, SessionOpened, Ticker
from state.record import Record
from state.reducer import Reducer
from state.shared import SharedState

INSTRUMENT = InstrumentDefined(
    "bybit", "BTCUSDT", None, "BTC", "USDT", "USDT", "perpetual",
    Decimal("0.1"), Decimal("0.001"), Decimal("0.001"), Decimal(5),
)  # fmt: skip


def folded(*events: object) -> SharedState:
    shared = SharedState()
    reducer = Reducer(shared)
    for seq, event in enumerate((SessionOpened("s", 1), *events), start=1):
        reducer.apply(Record(seq, seq, 0, event))  # type: ignore[arg-type]
    return shared


def test_asking_for_a_market_an_account_or_a_position_does_not_change_the_state() -> None:
    shared = folded(INSTRUMENT)
    before = shared.dump()
    shared.market("okx", "BTC-USDT-SWAP")
    shared.account("okx").ledger.position("BTC-USDT-SWAP")
    shared.account("bybit").ledger.balance("USDT")
    assert shared.dump() == before


def test_a_loaded_state_goes_on_as_the_dumped_one_would() -> None:
    status = FeedStatus("bybit", "", "public.0", "down", "silent")
    shared = folded(
        INSTRUMENT, BookDelta("bybit", "BTCUSDT", 1, [(1.0, 2.0)], []), Ticker("bybit", "BTCUSDT", 1, last=3.5), status
    )
    loaded = SharedState.load(shared.dump())
    assert loaded.dump() == shared.dump()
    for state in (shared, loaded):
        Reducer(state).apply(
            Record(6, 6, 0, PlaceOrder("bybit", "BTCUSDT", "buy", Decimal(1), Decimal(2), client_id="a"))
        )
    assert loaded.dump() == shared.dump()


def test_a_ticker_keeps_what_the_venue_left_out() -> None:
    shared = folded(Ticker("bybit", "BTCUSDT", 1, last=1.0, mark=2.0), Ticker("bybit", "BTCUSDT", 2, mark=3.0))
    assert shared.market("bybit", "BTCUSDT").ticker == Ticker("bybit", "BTCUSDT", 2, last=1.0, mark=3.0)


def test_what_a_connection_is_worth_is_no_market() -> None:
    shared = folded(FeedStatus("bybit", "", "public.0", "down"))
    assert shared.markets == {}
    assert shared.connections == {("bybit", "public.0"): "down"}


@pytest.mark.parametrize(
    ("body", "error"),
    [
        pytest.param(b"", SchemaUnknown, id="nothing"),
        pytest.param(b"\x00" * 40, SchemaUnknown, id="a snapshot of another shape"),
        pytest.param(SharedState().dump()[:-3], LogCorrupt, id="a snapshot that is cut off"),
    ],
)
def test_what_is_no_snapshot_of_ours_is_refused(body: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        SharedState.load(body)


def test_a_record_out_of_order_is_refused() -> None:
    with pytest.raises(WrongUse, match="record 3 cannot follow 1"):
        Reducer(folded()).apply(Record(3, 3, 0, INSTRUMENT))


def test_order_calls_are_checked_before_they_become_intents() -> None:
    shared = folded(INSTRUMENT, FeedStatus("bybit", "", "account", "ok"))
    asked: list[object] = []
    shared.order_call = asked.append
    shared.exchange.create("BTCUSDT", "buy", Decimal("0.001"), Decimal("50000.0"))  # the session has one venue
    shared.exchange("bybit").cancel_all()
    assert [type(intent).__name__ for intent in asked] == ["PlaceOrder", "CancelAll"]
    with pytest.raises(OffGrid):
        shared.exchange.create("BTCUSDT", "buy", Decimal("0.0015"), Decimal("50000.0"))
    with pytest.raises(WrongUse, match="needs a price"):
        shared.exchange.create("BTCUSDT", "buy", Decimal("0.001"))
    with pytest.raises(WrongUse, match="no open order"):
        shared.exchange.cancel("BTCUSDT", "nobody")
    assert len(asked) == 2


def test_a_state_that_is_only_read_takes_no_orders() -> None:
    with pytest.raises(WrongUse, match="only read"):
        folded(INSTRUMENT).exchange("bybit").cancel_all()


def test_with_several_venues_one_must_be_named() -> None:
    shared = folded(FeedStatus("bybit", "", "account", "ok"), FeedStatus("okx", "", "account", "ok"))
    with pytest.raises(WrongUse, match="bybit, okx"):
        shared.exchange.cancel_all()


def test_an_order_of_a_market_without_rules_is_told_what_it_waits_for() -> None:
    shared = folded(INSTRUMENT)
    with pytest.raises(WrongUse, match=r"rules of bybit BTCUSD are not known: .*market\.instrument"):
        shared.instrument("bybit", "BTCUSD")
