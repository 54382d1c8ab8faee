"""The frames of the market streams, field by field; `st` and `ps` are what the futures got with the merged hosts of 2026."""

# The field names are the venue's own.

from __future__ import annotations

import msgspec

from adapters.loopback.binance.rows import Level


class Frame(msgspec.Struct, gc=False, omit_defaults=True):
    """Spelt as Binance spells it; what is None is not sent."""


class DepthUpdate(Frame):
    e: str
    E: int
    s: str
    U: int
    u: int
    b: list[Level]
    a: list[Level]
    T: int | None = None
    pu: int | None = None
    ps: str | None = None
    st: int | None = None


class SpotTop(Frame, rename={"last_update_id": "lastUpdateId"}):
    last_update_id: int
    bids: list[Level]
    asks: list[Level]


class BookTicker(Frame):
    u: int
    s: str
    b: str
    B: str
    a: str
    A: str
    e: str | None = None
    T: int | None = None
    E: int | None = None
    ps: str | None = None
    st: int | None = None


class Trade(Frame):
    e: str
    E: int
    T: int
    s: str
    t: int
    p: str
    q: str
    m: bool
    X: str | None = None
    M: bool | None = None
    st: int | None = None


class AggTrade(Frame):
    e: str
    E: int
    s: str
    a: int
    p: str
    q: str
    f: int
    l: int  # noqa: E741
    T: int
    m: bool
    nq: str | None = None
    M: bool | None = None
    st: int | None = None


class MarkPrice(Frame):
    e: str
    E: int
    s: str
    p: str
    ap: str
    i: str
    P: str
    r: str
    T: int
    st: int


class Candle(Frame):
    t: int
    T: int
    s: str
    i: str
    f: int
    L: int
    o: str
    c: str
    h: str
    l: str  # noqa: E741
    v: str
    n: int
    x: bool
    q: str
    V: str
    Q: str
    B: str


class Kline(Frame):
    e: str
    E: int
    s: str
    k: Candle
    st: int | None = None


class Ticker(Frame):
    e: str
    E: int
    s: str
    p: str
    P: str
    w: str
    c: str
    Q: str
    o: str
    h: str
    l: str  # noqa: E741
    v: str
    q: str
    O: int  # noqa: E741
    C: int
    F: int
    L: int
    n: int
    x: str | None = None
    b: str | None = None
    B: str | None = None
    a: str | None = None
    A: str | None = None
    st: int | None = None


class MiniTicker(Frame):
    e: str
    E: int
    s: str
    c: str
    o: str
    h: str
    l: str  # noqa: E741
    v: str
    q: str
    st: int | None = None


class ForcedOrder(Frame):
    s: str
    S: str
    o: str
    f: str
    q: str
    p: str
    ap: str
    X: str
    l: str  # noqa: E741
    z: str
    T: int


class ForceOrder(Frame):
    e: str
    E: int
    o: ForcedOrder
    st: int
