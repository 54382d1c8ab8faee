"""Pond's frames and answers: what is decoded, and nothing more. Prices and sizes are text, times are ms."""

from msgspec import Raw, Struct

from adapters.base.shapes import Id, Levels, Millis, Number


class Answer(Struct, gc=False):
    """Every REST answer; `ok` says whether there is a result, or a code with words."""

    ok: bool
    result: Raw = Raw(b"null")
    code: str = ""
    text: str = ""


class Time(Struct, gc=False):
    ms: Millis


class Market(Struct, gc=False):
    market: str
    base: str
    quote: str
    tick: str
    lot: str
    least: str
    least_value: str
    state: str


class Book(Struct, gc=False):
    """A frame of a book's topic, or the answer to `/book`; `before` is the update that it follows, none for a whole."""

    market: str
    seq: Id
    ms: Millis
    bids: Levels
    asks: Levels
    before: Id | None = None


class Trade(Struct, gc=False):
    id: Id
    ms: Millis
    side: str
    price: Number
    size: Number


class Trades(Struct, gc=False):
    market: str
    trades: list[Trade]


class Ticker(Struct, gc=False):
    market: str
    ms: Millis
    last: Number
    bid: Number
    ask: Number
    mark: Number


class Order(Struct, gc=False):
    market: str
    id: str
    client_id: str
    side: str
    type: str
    life: str
    price: str
    size: str
    filled: str
    average: str
    state: str
    reduce_only: bool
    why: str
    ms: Millis
    version: Id


class Fill(Struct, gc=False):
    market: str
    id: str
    order: str
    client_id: str
    side: str
    price: str
    size: str
    fee: str
    asset: str
    maker: bool
    ms: Millis


class Position(Struct, gc=False):
    market: str
    size: str
    entry: str
    ms: Millis
    version: Id


class Balance(Struct, gc=False):
    asset: str
    total: str
    free: str
    ms: Millis


class Fees(Struct, gc=False):
    maker: str
    taker: str


class Placed(Struct, gc=False):
    id: str
    ms: Millis


class Envelope(Struct, gc=False):
    """Any frame, as far as one must look to know what it is: of a topic, or an answer to a request."""

    topic: str | None = None
    did: str = ""
    id: int = 0
    error: str = ""


class AccountFrame(Struct, gc=False):
    """What happened to an account; each frame has one kind of rows."""

    orders: list[Order] = []
    fills: list[Fill] = []
    positions: list[Position] = []
    balances: list[Balance] = []
