"""What a strategy may say: whatever is let through can be written and read again, and a venue could take it."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from state.decisions import check_shape, check_terms
from state.errors import OffGrid, WrongUse
from state.events import AmendOrder, Blocked, CancelAll, CancelOrder, Decision, PlaceOrder
from state.instruments import Instrument
from state.record import Record

D = Decimal
RULES = Instrument(
    "v", "BTC", "BTC", "USDT", "USDT", "perpetual",
    tick=D("0.1"), lot=D("0.001"), min_size=D("0.001"), min_notional=D(5),
)  # fmt: skip
PLACE = PlaceOrder("v", "BTC", "buy", D("0.1"), D("100.0"), label="b0")
AMEND = AmendOrder("v", "BTC", "c1", D("100.0"), D("0.1"))

SHAPES = {
    "a side of another spelling": (PLACE, {"side": "Buy"}, "PlaceOrder.side is 'Buy', which is not one of 'buy', 'sell'"),
    "a time in force of a venue's": (PLACE, {"tif": "GTC"}, "PlaceOrder.tif is 'GTC', .*'post_only'"),
    "a kind that there is not": (PLACE, {"kind": "stop"}, "PlaceOrder.kind is 'stop'"),
    "a label that is a number": (PLACE, {"label": 7}, "PlaceOrder.label is 7, which is not str"),
    "no label": (PLACE, {"label": None}, "PlaceOrder.label is None"),
    "reduce_only as a number": (PLACE, {"reduce_only": 1}, "PlaceOrder.reduce_only is 1, which is not bool"),
    "a size that is a list": (PLACE, {"size": []}, "PlaceOrder.size"),
    "a client id that is none": (AMEND, {"client_id": None}, "AmendOrder.client_id is None"),
    "a cancel of a number": (CancelOrder("v", "BTC", "c1"), {"client_id": 5}, "CancelOrder.client_id is 5"),
    "no symbol": (CancelAll("v", ""), {"symbol": None}, "CancelAll.symbol is None"),
    "a limit as a number": (Blocked("v", "BTC", "place", "r", "1", "2"), {"limit": 1.0}, "Blocked.limit is 1.0"),
}  # fmt: skip


@pytest.mark.parametrize(("decision", "changes", "words"), SHAPES.values(), ids=SHAPES)
def test_what_could_not_be_read_again_is_refused(decision: Decision, changes: dict[str, object], words: str) -> None:
    check_shape(decision)
    with pytest.raises(WrongUse, match=words):
        check_shape(msgspec.structs.replace(decision, **changes))


TERMS = {
    "a size that is a float": (PLACE, {"size": 0.1}, WrongUse, "PlaceOrder.size is 0.1, and money is Decimal"),
    "a price that is a float": (PLACE, {"price": 100.0}, WrongUse, "PlaceOrder.price is 100.0, and money is Decimal"),
    "an amended price that is a number": (AMEND, {"price": 100}, WrongUse, "AmendOrder.price is 100, and money"),
    "a limit order without a limit": (PLACE, {"price": None}, WrongUse, "a limit order needs a price"),
    "a market order with one": (PLACE, {"kind": "market"}, WrongUse, "a market order takes no price"),
    "a market order that is to rest": (
        PLACE, {"kind": "market", "price": None, "tif": "post_only"}, WrongUse, "cannot be post_only",
    ),
    "a size off the lot": (PLACE, {"size": D("0.0001")}, OffGrid, "lot"),
    "an amended price off the tick": (AMEND, {"price": D("100.05")}, OffGrid, "tick"),
}  # fmt: skip


@pytest.mark.parametrize(("intent", "changes", "error", "words"), TERMS.values(), ids=TERMS)
def test_what_no_venue_could_take_is_refused(
    intent: PlaceOrder | AmendOrder, changes: dict[str, object], error: type[Exception], words: str
) -> None:
    check_terms(intent, RULES)
    with pytest.raises(error, match=words):
        check_terms(msgspec.structs.replace(intent, **changes), RULES)


anything = (
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False) | st.text(max_size=5) | st.decimals()
)
fields = st.fixed_dictionaries(
    {}, optional={name: anything | st.sampled_from(["buy", "ioc", "market"]) for name in PlaceOrder.__struct_fields__}
)


@given(fields)
def test_whatever_passes_is_read_again_as_it_was_written(changes: dict[str, object]) -> None:
    order = msgspec.structs.replace(PLACE, **changes)
    try:
        check_shape(order)
        check_terms(order, RULES)
    except WrongUse:
        return
    record = Record(1, 1, 0, order)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(record), type=Record) == record
