"""Every event goes through the codec and comes back the same to the bit; no shape changes without anybody noticing."""

import math
from decimal import Decimal
from pathlib import Path
from types import UnionType
from typing import ClassVar, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from state.errors import LogCorrupt, SchemaUnknown
from state.events import EVENTS, SessionOpened, Signal, Trade
from state.log import Log, upcast
from state.log.codec import Press, expand, marks_of, place, split, start_digest, unpack, unpack_as_written
from state.log.verify import check
from state.log.walk import values
from state.record import Record, canonical, canonical_all
from tests.depth import depth
from tests.state.log.recorded import EVERY, T0, records, write

GOLDEN = Path(__file__).with_name("golden.txt")

INT64 = st.integers(-(2**63), 2**63 - 1)
SIMPLE: dict[object, st.SearchStrategy[object]] = {
    str: st.text(max_size=12),
    int: INT64,
    bool: st.booleans(),
    type(None): st.none(),
    float: st.floats() | st.sampled_from([5e-324, -0.0, 1.7976931348623157e308, 0.1 + 0.2, math.nan, -math.inf]),
    Decimal: st.decimals(allow_nan=True, allow_infinity=True)
    | st.sampled_from([Decimal("-0"), Decimal("1E-999"), Decimal("0.10"), Decimal("1E+30"), Decimal(2**200)]),
}


def values_of(kind: object) -> st.SearchStrategy[object]:
    """Anything that a field of this type may hold."""
    origin, inside = get_origin(kind), get_args(kind)
    if origin is Literal:
        return st.sampled_from(inside)
    if origin in (Union, UnionType):
        return st.one_of([values_of(each) for each in inside])
    if origin is list:
        return st.lists(values_of(inside[0]), max_size=4)
    if origin is tuple:
        return st.tuples(*[values_of(each) for each in inside])
    return SIMPLE[kind]


def events_of(kind: type[msgspec.Struct]) -> st.SearchStrategy[object]:
    """Any event of this kind."""
    hints = get_type_hints(kind)
    return st.builds(kind, **{name: values_of(hints[name]) for name in kind.__struct_fields__})


def record_of(kind: type[msgspec.Struct]) -> st.SearchStrategy[Record]:
    return st.builds(Record, st.integers(1, 2**62), INT64, st.integers(0, 2**62), events_of(kind))


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.__name__)
def test_every_event_comes_back_as_the_same_bytes(kind: type[msgspec.Struct]) -> None:
    @settings(max_examples=depth(10, 300), deadline=None, database=None)
    @given(st.lists(record_of(kind), min_size=1, max_size=4))
    def round_trip(written: list[Record]) -> None:
        parts = [canonical(record) for record in written]
        raw = b"".join(parts)
        press = Press()
        back = unpack(expand(press.press(raw)), len(written))
        assert [type(record.event) for record in back] == [kind] * len(written)
        assert b"".join(canonical(record) for record in back) == raw
        assert marks_of(split(raw, len(written)), 7) == marks_of(parts, 7)
        assert [place(part) for part in parts] == [(record.seq, record.recv) for record in written]
        assert list(values(raw)) == [canonical(record) for record in written]

    round_trip()


@given(st.binary(max_size=200), st.integers(0, 2**33))
def test_bytes_that_are_no_block_raise_and_nothing_else(raw: bytes, count: int) -> None:
    with pytest.raises((LogCorrupt, SchemaUnknown)):
        unpack(raw, count)
    with pytest.raises(LogCorrupt):
        expand(raw)
    assert b"".join(values(raw)) == raw[: len(b"".join(values(raw)))]


def golden() -> dict[str, bytes]:
    lines = [line.split() for line in GOLDEN.read_text().splitlines() if line and not line.startswith("#")]
    return {name: bytes.fromhex(text) for name, text in lines}


def test_every_kind_of_event_has_golden_bytes() -> None:
    assert set(golden()) == {kind.__name__ for kind in EVENTS} == {type(event).__name__ for event in EVERY}


@pytest.mark.parametrize("event", EVERY, ids=lambda event: type(event).__name__)
def test_the_bytes_of_an_event_are_those_that_were_always_written(event: object) -> None:
    record = Record(3, T0, 2, event)  # type: ignore[arg-type]
    written = golden()[type(event).__name__]
    assert canonical(record) == written
    assert unpack(written, 1) == [record]


def test_the_digest_does_not_depend_on_cuts_but_on_the_session() -> None:
    made = records("s", 50)
    whole, parts, other = start_digest("s"), start_digest("s"), start_digest("t")
    whole.update(canonical_all(made))
    for record in made:
        parts.update(canonical(record))
        other.update(canonical(record))
    assert whole.digest() == parts.digest() != other.digest()


class first:
    """Shapes that were never in use, under a version 0."""

    class Signal(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=5_05_00):
        name: str
        venue: ClassVar[str] = ""
        symbol: ClassVar[str] = ""

    class Trade(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=1_03_00):
        symbol: str
        price: str


# [seq 2, recv 5, cause 0, [50500, "alpha"]] and [seq 3, recv 6, cause 0, [10300, "BTCUSDT", "1.5"]]
OLD_SIGNAL = bytes.fromhex("9402050092cdc544a5616c706861")
OLD_TRADE = bytes.fromhex("9403060093cd283ca742544355534454a3312e35")


def test_old_shapes_are_read_through_their_upcasters() -> None:
    upcast.register(first.Signal, lambda old: Signal(old.name, 0.0))
    upcast.register(first.Trade, lambda old: Trade("bybit", old.symbol, None, "", float(old.price), 0.0, "buy"))
    try:
        opened = Record(1, 4, 0, SessionOpened("s", 1))
        raw = canonical(opened) + OLD_SIGNAL + OLD_TRADE
        trade = Trade("bybit", "BTCUSDT", None, "", 1.5, 0.0, "buy")
        assert unpack(raw, 3) == [opened, Record(2, 5, 0, Signal("alpha", 0.0)), Record(3, 6, 0, trade)]
        as_written = unpack_as_written(raw, 3)
        assert [type(record.event) for record in as_written] == [SessionOpened, first.Signal, first.Trade]
    finally:
        upcast.unregister(first.Signal)
        upcast.unregister(first.Trade)


def test_an_unknown_tag_is_named() -> None:
    with pytest.raises(SchemaUnknown, match="record 2 is an event of tag 50500"):
        unpack(OLD_SIGNAL, 1)


class wrong:
    class Trade(msgspec.Struct, frozen=True, array_like=True, tag=1_03_01):
        symbol: str

    class Handel(msgspec.Struct, frozen=True, array_like=True, tag=1_03_00):
        symbol: str


@pytest.mark.parametrize(
    ("old", "says"),
    [
        pytest.param(wrong.Trade, "belongs to the Trade of today", id="a tag of today is never given away"),
        pytest.param(wrong.Handel, "must be named Trade", id="an old shape keeps its event's name"),
    ],
)
def test_a_wrong_upcaster_is_refused(old: type[msgspec.Struct], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        upcast.register(old, lambda _old: Signal("", 0.0))


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda body: body[:-1], id="cut off"),
        pytest.param(lambda body: body[:20] + bytes([body[20] ^ 1]) + body[21:], id="a bit turned"),
        pytest.param(lambda body: b"", id="empty"),
        pytest.param(lambda body: b"\x28\xb5\x2f\xfd\xe0" + b"\xff" * 8 + body[5:], id="a size no machine has"),
    ],
)
def test_a_damaged_body_is_corrupt(damage) -> None:  # type: ignore[no-untyped-def]
    body = Press().press(canonical_all(records("s", 30)))
    with pytest.raises(LogCorrupt):
        expand(damage(body))


def test_another_codec_is_unknown() -> None:
    with pytest.raises(SchemaUnknown, match="parquet"):
        expand(b"", "parquet")


def test_a_session_of_old_shapes_is_read_checked_and_its_journal_rebuilt(log: Log) -> None:
    made = [*records("s", 20), Record(21, T0, 0, first.Signal("alpha")), Record(22, T0, 0, first.Trade("X", "1.5"))]  # type: ignore[arg-type]
    upcast.register(first.Signal, lambda old: Signal(old.name, 0.0))
    upcast.register(first.Trade, lambda old: Trade("bybit", old.symbol, None, "", float(old.price), 0.0, "buy"))
    try:
        write(log, "s", made, block_size=8)
        signal, trade = Signal("alpha", 0.0), Trade("bybit", "X", None, "", 1.5, 0.0, "buy")
        assert list(log.records("s")) == [*made[:20], Record(21, T0, 0, signal), Record(22, T0, 0, trade)]
        rows = list(log.journal("s"))
        assert (rows[-1].seq, rows[-1].type, rows[-1].payload) == (21, "Signal", '{"type":"Signal","name":"alpha"}')
        assert check(log, "s") == []
        assert log.rebuild_journal("s") == len(rows)
        assert list(log.journal("s")) == rows
        assert check(log, "s") == []
    finally:
        upcast.unregister(first.Signal)
        upcast.unregister(first.Trade)
    with pytest.raises(SchemaUnknown, match="record 21 is an event of tag 50500"):
        list(log.records("s"))
    assert [(finding.seq, finding.kind) for finding in check(log, "s")] == [(21, "record")]
