"""The events of the user data stream, field by field."""

# The field names are the venue's own.

from __future__ import annotations

import msgspec

from adapters.loopback.binance.frames import Frame


class OrderFields(Frame):
    s: str
    c: str
    S: str
    o: str
    f: str
    q: str
    p: str
    ap: str
    sp: str
    x: str
    X: str
    i: int
    l: str  # noqa: E741
    z: str
    L: str
    T: int
    t: int
    b: str
    a: str
    m: bool
    R: bool
    wt: str
    ot: str
    ps: str
    cp: bool
    rp: str
    pP: bool  # noqa: N815
    si: int
    ss: int
    V: str
    pm: str
    gtd: int
    er: str
    N: str | None = None
    n: str | None = None
    M: str | None = None


class OrderTradeUpdate(Frame):
    e: str
    E: int
    T: int
    o: OrderFields


class TradeLite(Frame):
    e: str
    E: int
    T: int
    s: str
    q: str
    p: str
    m: bool
    c: str
    S: str
    L: str
    l: str  # noqa: E741
    t: int
    i: int


class Balance(Frame):
    a: str
    wb: str
    cw: str
    bc: str


class Position(Frame):
    s: str
    pa: str
    ep: str
    bep: str
    cr: str
    up: str
    mt: str
    iw: str
    ps: str


class AccountFields(Frame):
    m: str
    B: list[Balance]
    P: list[Position]
    S: str | None = None


class AccountUpdate(Frame):
    e: str
    E: int
    T: int
    a: AccountFields


class LeverageFields(Frame):
    s: str
    l: int  # noqa: E741


class ConfigUpdate(Frame):
    e: str
    E: int
    T: int
    ac: LeverageFields


class AlgoFields(Frame):
    caid: str
    aid: int
    at: str
    o: str
    s: str
    S: str
    ps: str
    f: str
    q: str
    X: str
    ai: str
    ap: str
    aq: str
    act: str
    tp: str
    p: str
    V: str
    wt: str
    pm: str
    cp: bool
    pP: bool  # noqa: N815
    R: bool
    tt: int
    gtd: int
    rm: str
    ia: bool = msgspec.field(default=False)


class AlgoUpdate(Frame, omit_defaults=False):
    e: str
    T: int
    E: int
    o: AlgoFields


class ListenKeyExpired(Frame, rename={"listen_key": "listenKey"}):
    e: str
    E: int
    listen_key: str
