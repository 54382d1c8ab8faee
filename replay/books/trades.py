"""A session's executions as rows that other programs read: their columns are in docs/books.md, with where they come from."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Literal, TypeAlias

from replay.books.executed import Cell, Executed, digits, iso, plain, rate, settled, truth
from replay.books.lots import Lots, Method
from replay.books.statements import COLUMNS as STATEMENTS
from replay.books.statements import Statement, statement_rows
from replay.journaled import journaled
from replay.rebuild import rebuild
from state.events import AnyEvent, BalanceUpdate, FeedStatus, Fill, FundingPayment, PlaceOrder, PositionUpdate
from state.ledger import EXACT
from state.log import Log
from state.record import Record
from state.shared import SharedState

Own: TypeAlias = Literal["generic", "freqtrade", "hummingbot", "bybit"]
Layout: TypeAlias = Own | Statement
ORDERS_KEPT = 100_000
FILL_IDS_KEPT = 100_000
ZERO = Decimal(0)
_READ: tuple[type[AnyEvent], ...] = (Fill, FundingPayment, PlaceOrder, BalanceUpdate, PositionUpdate, FeedStatus)

COLUMNS: Mapping[str, Sequence[str]] = {  # by `Layout`
    **STATEMENTS,
    "generic": (
        "time", "venue", "symbol", "base", "quote", "side", "size", "price", "value", "fee", "fee_asset", "maker",
        "realized_pnl", "pnl_asset", "position", "trade_id", "order_id", "client_id", "strategy", "kind", "session", "seq",
    ),
    # hummingbot/model/trade_fill.py, TradeFill.attribute_names_for_file_export
    "hummingbot": (
        "exchange_trade_id", "config_file_path", "strategy", "market", "symbol", "base_asset", "quote_asset", "timestamp",
        "order_id", "trade_type", "order_type", "price", "amount", "leverage", "trade_fee", "trade_fee_in_quote", "position",
    ),
    # freqtrade/data/btanalysis.py, BT_DATA_COLUMNS
    "freqtrade": (
        "pair", "stake_amount", "max_stake_amount", "amount", "open_date", "close_date", "open_rate", "close_rate",
        "fee_open", "fee_close", "trade_duration", "profit_ratio", "profit_abs", "exit_reason", "initial_stop_loss_abs",
        "initial_stop_loss_ratio", "stop_loss_abs", "stop_loss_ratio", "min_rate", "max_rate", "is_open", "enter_tag",
        "leverage", "is_short", "open_timestamp", "close_timestamp", "orders",
    ),
    # https://bybit-exchange.github.io/docs/v5/account/transaction-log
    "bybit": (
        "symbol", "category", "side", "transactionTime", "type", "qty", "size", "currency", "tradePrice", "funding", "fee",
        "cashFlow", "change", "cashBalance", "feeRate", "bonusChange", "tradeId", "orderId", "orderLinkId",
    ),
}  # fmt: skip


def executions(log: Log, session: str, method: Method = "fifo") -> Iterator[Executed]:
    """Every execution and funding payment in order, each once; streams."""
    row = log.find(session)
    reader = _Reader(row.id, rebuild(log, row.id), method)
    for record in journaled(log, row.id, _READ):
        executed = reader.read(record)
        if executed is not None:
            yield executed


def rows(executed: Executed, layout: Layout) -> Iterator[Sequence[Cell]]:
    """The rows of one execution: none, one, or one for each lot that it closed (freqtrade)."""
    if layout == "binance" or layout == "hyperliquid" or layout == "dydx":
        yield from statement_rows(executed, layout)
    else:
        yield from _ROWS[layout](executed)


class _Reader:
    def __init__(self, session: str, shared: SharedState, method: Method) -> None:
        self._session = session
        self._shared = shared
        self._method = method
        self._lots: dict[tuple[str, str], Lots] = {}
        self._average: dict[tuple[str, str], Lots] = {}
        self._placed: dict[tuple[str, str], PlaceOrder] = {}
        self._balances: dict[tuple[str, str], Decimal] = {}
        self._seen: dict[tuple[str, ...], None] = {}
        self._ready: set[str] = set()

    def read(self, record: Record) -> Executed | None:
        event = record.event
        if isinstance(event, Fill):
            return self._fill(record, event)
        if isinstance(event, FundingPayment):
            return self._funding(record, event)
        if isinstance(event, PlaceOrder):
            self._placed[event.venue, event.client_id] = event
            if len(self._placed) > ORDERS_KEPT:
                del self._placed[next(iter(self._placed))]
        elif isinstance(event, BalanceUpdate):
            self._balances.setdefault((event.venue, event.asset), event.total)
        elif isinstance(event, FeedStatus) and (event.channel, event.status) == ("account", "ok"):
            self._ready.add(event.venue)
        elif isinstance(event, PositionUpdate) and event.venue not in self._ready and event.size:
            key = (event.venue, event.symbol)
            if key not in self._lots:  # what was held when the session began
                for lots in self._both(key):
                    lots.trade(event.size, event.entry_price or event.mark or ZERO, record.seq, record.recv)
        return None

    def _fill(self, record: Record, event: Fill) -> Executed | None:
        if not self._is_new((event.venue, event.symbol, event.side, event.fill_id)):
            return None
        key = (event.venue, event.symbol)
        instrument = self._shared.market(*key).instrument
        lots, average = self._both(key)
        signed = event.size if event.side == "buy" else -event.size
        spot = instrument is not None and instrument.kind == "spot"
        held = EXACT.add(signed, event.fee) if spot and instrument and event.fee_asset == instrument.base else signed
        cash = lots.value(signed, event.price).copy_negate()
        before, paid = lots.realized, average.realized
        closed = lots.trade(held, event.price, record.seq, record.recv, event.fee, cash)
        average.trade(held, event.price, record.seq, record.recv, event.fee, cash)
        settle = event.fee_asset if instrument is None else instrument.quote if spot else instrument.settle
        change = cash if spot else EXACT.subtract(average.realized, paid)
        if event.fee_asset != settle:
            self._move(event.venue, event.fee_asset, event.fee)
        else:
            change = EXACT.add(change, event.fee)
        if spot and instrument is not None:
            self._move(event.venue, instrument.base, signed)
        balance = self._move(event.venue, settle, change)
        placed = self._placed.get((event.venue, event.client_id or ""))
        pnl = EXACT.subtract(lots.realized, before)
        return Executed(self._session, record, event, instrument, placed, pnl, lots.size, balance, closed)

    def _funding(self, record: Record, event: FundingPayment) -> Executed | None:
        if not self._is_new((event.venue, event.symbol, event.payment_id)):
            return None
        balance = self._move(event.venue, event.asset, event.amount)
        key = (event.venue, event.symbol)
        held, instrument = self._both(key)[0].size, self._shared.market(*key).instrument
        return Executed(self._session, record, event, instrument, None, ZERO, held, balance, ())

    def _both(self, key: tuple[str, str]) -> tuple[Lots, Lots]:
        if key not in self._lots:
            instrument = self._shared.market(*key).instrument
            contract = instrument.contract_size if instrument is not None and instrument.inverse else None
            self._lots[key], self._average[key] = Lots(self._method, contract), Lots("average", contract)
        return self._lots[key], self._average[key]

    def _move(self, venue: str, asset: str, amount: Decimal) -> Decimal | None:
        known = self._balances.get((venue, asset))
        if known is None:
            return None
        self._balances[venue, asset] = after = EXACT.add(known, amount)
        return after

    def _is_new(self, key: tuple[str, ...]) -> bool:
        if key in self._seen:
            return False
        self._seen[key] = None
        if len(self._seen) > FILL_IDS_KEPT:
            del self._seen[next(iter(self._seen))]
        return True


def _generic(it: Executed) -> Iterator[Sequence[Cell]]:
    event, instrument = it.event, it.instrument
    base, quote = (instrument.base, instrument.quote) if instrument is not None else ("", "")
    time = iso(it.ms)
    if isinstance(event, FundingPayment):
        yield (
            time, event.venue, event.symbol, base, quote, "", "", "", "", "", "", "", plain(event.amount), event.asset,
            plain(it.held), event.payment_id, "", "", "", "funding", it.session, str(it.record.seq),
        )  # fmt: skip
        return
    yield (
        time, event.venue, event.symbol, base, quote, event.side, plain(event.size), plain(event.price),
        plain(it.value), plain(event.fee), event.fee_asset, truth(event.maker), plain(it.pnl),
        it.settle, plain(it.held), event.fill_id, event.order_id or "", event.client_id or "",
        it.placed.strategy if it.placed is not None else "", event.kind, it.session, str(it.record.seq),
    )  # fmt: skip


def _hummingbot(it: Executed) -> Iterator[Sequence[Cell]]:
    """A fee is a cost there: positive where paid. `timestamp` is ms, `position` OPEN or CLOSE for derivatives."""
    event, instrument, placed = it.event, it.instrument, it.placed
    if isinstance(event, FundingPayment):
        return
    base, quote = (instrument.base, instrument.quote) if instrument is not None else (event.symbol, event.fee_asset)
    fee = {
        "fee_type": "AddedToCost", "percent": "0", "percent_token": None,
        "flat_fees": [{"token": event.fee_asset, "amount": plain(-event.fee)}],
    }  # fmt: skip
    in_quote = -event.fee if event.fee_asset == quote else -event.fee * event.price if event.fee_asset == base else None
    order_type = "LIMIT_MAKER" if placed is not None and placed.tif == "post_only" else "LIMIT"
    if placed is not None and placed.kind == "market":
        order_type = "MARKET"
    spot = instrument is not None and instrument.kind == "spot"
    yield (
        event.fill_id, it.session, placed.strategy if placed is not None else "", event.venue, f"{base}-{quote}", base, quote,
        str(it.ms), event.client_id or event.order_id or "", event.side.upper(), order_type, plain(event.price),
        plain(event.size), "1", json.dumps(fee), "" if in_quote is None else plain(in_quote),
        "NIL" if spot else "CLOSE" if it.closed else "OPEN",
    )  # fmt: skip


def _freqtrade(it: Executed) -> Iterator[Sequence[Cell]]:
    """A trade there is a round trip: one row for each lot that an execution closed, stops and extremes unknown."""
    event, instrument = it.event, it.instrument
    if isinstance(event, FundingPayment):
        return
    pair = event.symbol
    if instrument is not None:
        pair = f"{instrument.base}/{instrument.quote}" + ("" if instrument.kind == "spot" else f":{instrument.settle}")
    for lot in it.closed:
        amount = abs(lot.size)
        stake, got = settled(instrument, lot.opened_at, amount), settled(instrument, lot.closed_at, amount)
        profit = lot.pnl + lot.open_fee + lot.close_fee
        minutes = (lot.closed_recv - lot.opened_recv) // 60_000_000_000
        opened, closed = lot.opened_recv // 1_000_000, lot.closed_recv // 1_000_000
        yield (
            pair, plain(stake), plain(stake), plain(amount), iso(opened), iso(closed), plain(lot.opened_at),
            plain(lot.closed_at), rate(lot.open_fee, stake), rate(lot.close_fee, got), str(minutes),
            plain(digits(profit / stake)) if stake else "0", plain(profit), event.kind, "", "", "", "", "", "", "False",
            it.placed.label if it.placed is not None else "", "1", str(lot.size < 0), str(opened), str(closed), "",
        )  # fmt: skip


def _bybit(it: Executed) -> Iterator[Sequence[Cell]]:
    """A fee is an expense there: positive where paid. change = cashFlow + funding - fee; bonuses are not known."""
    event, instrument = it.event, it.instrument
    category = "linear"
    if instrument is not None:
        category = "spot" if instrument.kind == "spot" else "inverse" if instrument.inverse else "linear"
    balance = "" if it.balance is None else plain(it.balance)
    if isinstance(event, FundingPayment):
        side = "Buy" if it.held > 0 else "Sell" if it.held < 0 else "None"
        size, price = plain(abs(event.size)) if event.size else "", plain(event.price) if event.price else ""
        yield (
            event.symbol, category, side, str(it.ms), "SETTLEMENT", size, plain(it.held), event.asset, price,
            plain(event.amount), "0", "0", plain(event.amount), balance, plain(event.rate) if event.rate else "", "",
            event.payment_id, "", "",
        )  # fmt: skip
        return
    rate = plain(digits(-event.fee / it.stake)) if it.stake and event.fee_asset == it.settle else ""
    yield (
        event.symbol, category, event.side.capitalize(), str(it.ms), event.kind.upper(), plain(event.size), plain(it.held),
        it.settle, plain(event.price), "", plain(-event.fee), plain(it.pnl), plain(it.pnl + event.fee), balance, rate, "",
        event.fill_id, event.order_id or "", event.client_id or "",
    )  # fmt: skip


_ROWS: Mapping[Own, Callable[[Executed], Iterator[Sequence[Cell]]]] = {
    "generic": _generic,
    "hummingbot": _hummingbot,
    "freqtrade": _freqtrade,
    "bybit": _bybit,
}
