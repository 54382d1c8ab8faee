"""The terminal view of a session at one moment: ladder with own orders, orders, positions, operators, stream of events."""

from decimal import Decimal
from typing import Any, ClassVar, Final

import msgspec
from rich.table import Table
from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Footer, Static

from app.facts import AccountFact, MarketFact, OrderFact
from app.moments import DebugFact, moment_fact
from app.output import moment, printable
from replay.moments import Kind, Moments
from state.errors import WrongUse
from state.log import Log, SessionRow

LEVELS: Final = 10
STREAM: Final = 12  # records before and after
PAGE: Final = 100


class _Line(msgspec.Struct):
    """What a line of the stream says of a record."""

    seq: int
    recv: int
    type: str
    venue: str = ""
    symbol: str = ""
    side: str = ""
    price: str | float | None = None
    size: str | float | None = None
    status: str = ""


class MomentView(App[None]):
    """One session; every key goes to another record and shows what was known there."""

    CSS = """
    #head { height: auto; padding: 0 1; background: $boost; }
    #top { height: 60%; }
    #ladder { width: 44; border: round $primary; }
    #stream { width: 1fr; border: round $primary; }
    #account { width: 1fr; border: round $primary; }
    #operators { border: round $primary; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,l", "step(1)", "on", priority=True),
        Binding("left,h", "step(-1)", "back", priority=True),
        Binding("pagedown", f"step({PAGE})", f"{PAGE} on", show=False, priority=True),
        Binding("pageup", f"step(-{PAGE})", f"{PAGE} back", show=False, priority=True),
        Binding("home", "end(-1)", "first", priority=True),
        Binding("end", "end(1)", "last", priority=True),
        Binding("f", "seek('fill', 1)", "fill"),
        Binding("F", "seek('fill', -1)", "fill before"),
        Binding("i", "seek('intent', 1)", "intent"),
        Binding("I", "seek('intent', -1)", "intent before"),
        Binding("b", "seek('block', 1)", "block"),
        Binding("B", "seek('block', -1)", "block before"),
        Binding("q", "quit", "quit"),
    ]

    def __init__(self, log: Log, row: SessionRow, seq: int) -> None:
        super().__init__()
        self.seq = seq
        self._opened = log
        self._row = row
        self._moments = Moments(log, row)

    def compose(self) -> ComposeResult:
        yield Static(id="head")
        with Horizontal(id="top"):
            yield VerticalScroll(Static(id="books"), id="ladder")
            yield VerticalScroll(Static(id="events"), id="stream")
            with Vertical(id="account"):
                yield VerticalScroll(Static(id="orders"))
        yield VerticalScroll(Static(id="values"), id="operators")
        yield Footer()

    def on_mount(self) -> None:
        for name, title in (
            ("ladder", "books"),
            ("stream", "events"),
            ("account", "account"),
            ("operators", "operators"),
        ):
            self.query_one(f"#{name}").border_title = title
        self._go(self.seq)

    # --- the keys ---

    def action_step(self, count: int) -> None:
        self._go(min(max(1, self.seq + count), self._row.last_seq))

    def action_end(self, direction: int) -> None:
        self._go(1 if direction < 0 else self._row.last_seq)

    def action_seek(self, kind: Kind, direction: int) -> None:
        try:
            self._go(self._moments.next(self.seq, kind) if direction > 0 else self._moments.previous(self.seq, kind))
        except WrongUse as error:
            self.notify(str(error), severity="warning")

    def _go(self, seq: int) -> None:
        self.seq = seq
        fact = moment_fact(self._opened, self._row, seq, around=STREAM)
        markets, accounts = fact.state.markets, fact.state.accounts
        self._show("head", _head(fact, self._row.last_seq))
        self._show("books", *(_ladder(market, accounts) for market in markets))
        self._show("events", _stream(fact))
        self._show("orders", _orders(accounts), _positions(accounts))
        self._show("values", _operators(fact), Text(printable(fact.note), style="yellow"))

    def _show(self, name: str, *parts: Table | Text) -> None:
        grid = Table.grid()
        for part in parts:
            grid.add_row(part)
        self.query_one(f"#{name}", Static).update(grid)


def _head(fact: DebugFact, last: int) -> Text:
    standing = f"halted: {fact.state.halted}" if fact.state.halted else "running"
    return Text.assemble(
        (f"{fact.session} ", "bold"),
        f"record {fact.seq} of {last}  {moment(fact.state.now)} UTC  {standing}\n",
        (printable(bytes(fact.record).decode()), "dim"),
        overflow="ellipsis",
        no_wrap=True,
    )


def _ladder(market: MarketFact, accounts: list[AccountFact]) -> Table:
    """Best in the middle; what is ours stands beside its price."""
    own: dict[tuple[str, float], Decimal] = {}
    for account in accounts:
        for order in account.orders:
            if (order.venue, order.symbol) == (market.venue, market.symbol) and order.price is not None:
                key = (order.side, float(order.price))
                own[key] = own.get(key, Decimal(0)) + order.size - order.filled
    table = Table(title=f"{market.venue} {market.symbol}: {market.book.status}", box=None, title_justify="left")
    for name in ("ours", "bid size", "price", "ask size", "ours"):
        table.add_column(name, justify="right")
    asks, bids = _side(market.book.asks, "sell", own), _side(market.book.bids, "buy", own)
    for price, size in reversed(asks):
        table.add_row("", "", Text(f"{price:g}", "red"), f"{size:g}", _own(own, "sell", price))
    for price, size in bids:
        table.add_row(_own(own, "buy", price), f"{size:g}", Text(f"{price:g}", "green"), "", "")
    return table


def _side(
    levels: list[tuple[float, float]], side: str, own: dict[tuple[str, float], Decimal]
) -> list[tuple[float, float]]:
    """The nearest levels, and further ones where an order of ours stands, in the book's own order."""
    shown = {price: size for at, (price, size) in enumerate(levels) if at < LEVELS or (side, price) in own}
    for at, price in own:
        if at == side:
            shown.setdefault(price, 0.0)
    return sorted(shown.items(), reverse=side == "buy")


def _own(own: dict[tuple[str, float], Decimal], side: str, price: float) -> Text:
    size = own.get((side, price))
    return Text("" if size is None else f"{size.normalize():f}", "bold cyan")


def _stream(fact: DebugFact) -> Table:
    table = Table(box=None, show_header=False)
    for width in (len(str(fact.seq + STREAM)), 15, 12, 4, 4):
        table.add_column(no_wrap=True, overflow="ellipsis", min_width=width)
    for raw in fact.around:
        it = msgspec.json.decode(raw, type=_Line)
        words = [it.side, *(f"{value}" for value in (it.price, it.size) if value is not None), it.status]
        cells = (str(it.seq), moment(it.recv)[11:], it.type, it.symbol, " ".join(filter(None, words)))
        style = "reverse" if it.seq == fact.seq else _STYLES.get(it.type, "")
        table.add_row(*(printable(cell) for cell in cells), style=style)
    return table


_STYLES: Final = {
    "Fill": "bold green",
    "PlaceOrder": "cyan",
    "AmendOrder": "cyan",
    "CancelOrder": "cyan",
    "CancelAll": "cyan",
    "Blocked": "yellow",
    "Rejected": "red",
    "FeedStatus": "magenta",
}


def _orders(accounts: list[AccountFact]) -> Table:
    names = ("side", "price", "size", "filled", "status", "label", "client_id")
    table = _table("working orders", names)
    for account in accounts:
        for order in account.orders:
            table.add_row(*(_cell(order, name) for name in names), style="green" if order.side == "buy" else "red")
    return table


def _cell(order: OrderFact, name: str) -> str:
    value: Any = getattr(order, name)
    return "" if value is None else printable(str(value))


def _positions(accounts: list[AccountFact]) -> Table:
    table = _table("positions", ("venue", "symbol", "position", "average", "realized", "fills"))
    for account in accounts:
        for it in account.positions:
            average = "" if it.avg_price is None else f"{it.avg_price:.8g}"
            table.add_row(account.venue, it.symbol, f"{it.size}", average, f"{it.realized_pnl:.8g}", str(it.fills))
    return table


def _operators(fact: DebugFact) -> Table:
    table = _table("", ("strategy", "operator", "where", "values", "seq", "last value"))
    for it in fact.operators:
        value = "" if it.value is None else printable(it.value)
        style = "bold" if it.seq == fact.seq else ""
        table.add_row(it.strategy, it.operator, it.where, str(it.count), str(it.seq or ""), value, style=style)
    return table


def _table(title: str, names: tuple[str, ...]) -> Table:
    table = Table(title=title or None, box=None, title_justify="left")
    for name in names:
        wide = name == "last value"  # takes what is left, and no more
        table.add_column(name, no_wrap=True, overflow="ellipsis", ratio=1 if wide else None)
    table.expand = "last value" in names
    return table
