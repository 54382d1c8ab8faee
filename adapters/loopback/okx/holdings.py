"""What an account may ask about its orders and fills, and closing a position at the market."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from adapters.loopback.desk import Desk
from adapters.loopback.floor import Fill, Floor
from adapters.loopback.ledger import Account
from adapters.loopback.okx import codes, order_render
from adapters.loopback.okx import order_rows as rows
from adapters.loopback.okx.actions import ORDER_TYPES, Actions
from adapters.loopback.okx.codes import OkxError, wrong
from adapters.loopback.okx.listings import INST_TYPES, Instrument
from adapters.loopback.okx.params import Params
from adapters.loopback.okx.register import Entry, Register, bill_id
from adapters.loopback.okx.render import plain
from adapters.loopback.orders import Order

Rows = Sequence[object]
ItemT = TypeVar("ItemT")
OPEN_STATES, OVER_STATES = ("live", "partially_filled"), ("filled", "canceled", "mmp_canceled")
PAGE = 100
FORGOTTEN_AFTER_MS = 7_200_000


def page(found: Iterable[ItemT], name: Callable[[ItemT], str], params: Params) -> list[ItemT]:
    """The items older than `after` and newer than `before` by their ids, as many as `limit` says."""
    after, before = params.whole("after", 1 << 63), params.whole("before", 0)
    chosen = [item for item in found if before < int(name(item)) < after]
    return chosen[: params.whole("limit", PAGE, 1, PAGE)]


def _is_kept(entry: Entry, now_ms: int) -> bool:
    """An order that ended without a fill is forgotten after two hours."""
    return entry.state != "canceled" or entry.filled > 0 or now_ms - entry.updated_ms < FORGOTTEN_AFTER_MS


def window(params: Params) -> tuple[int, int]:
    """`begin` and `end` in milliseconds."""
    return params.whole("begin", 0), params.whole("end", 1 << 62)


class Holdings:
    """Orders and fills of an account, newest first."""

    def __init__(
        self, floor: Floor, instruments: Mapping[str, Instrument], register: Register, actions: Actions
    ) -> None:
        self._floor, self._instruments, self._register, self._actions = floor, instruments, register, actions

    # -- orders ------------------------------------------------------------------------------------------------------

    def order(self, account: Account, params: Params, now_ms: int) -> Rows:
        """https://www.okx.com/docs-v5/en/#order-book-trading-trade-get-order-details"""
        instrument = self._actions.by_id(params)
        found = self._actions.named(account, params, instrument, codes.NO_SUCH_ORDER)
        entry = self._register.of(found)
        if not _is_kept(entry, now_ms):
            raise OkxError(codes.NO_SUCH_ORDER)
        return [self._row(account, entry)]

    def pending(self, account: Account, params: Params, now_ms: int) -> Rows:
        """https://www.okx.com/docs-v5/en/#order-book-trading-trade-get-order-list"""
        return self._orders(account, params, OPEN_STATES, lambda entry: True)

    def history(self, account: Account, params: Params, now_ms: int) -> Rows:
        """https://www.okx.com/docs-v5/en/#order-book-trading-trade-get-order-history-last-7-days"""
        params.text("instType")
        return self._orders(account, params, OVER_STATES, lambda entry: _is_kept(entry, now_ms))

    def archive(self, account: Account, params: Params, now_ms: int) -> Rows:
        """The history without orders that ended unfilled."""
        params.text("instType")
        return self._orders(account, params, OVER_STATES, lambda entry: entry.filled > 0)

    def _orders(
        self, account: Account, params: Params, states: Sequence[str], is_listed: Callable[[Entry], bool]
    ) -> Rows:
        state, (begin, end) = params.word("state", (*states, ""), ""), window(params)
        ord_types = params.text("ordType", "").split(",")
        if ord_types != [""] and not all(word in ORDER_TYPES for word in ord_types):
            raise wrong("ordType")
        fits = self._selected(params)
        found = (self._register.of(order) for order in self._kept(account, resting=states is OPEN_STATES))
        chosen = (
            entry
            for entry in found
            if fits(entry.symbol)
            and entry.state in ((state,) if state else states)
            and begin <= entry.order.created_ms <= end
            and (ord_types == [""] or entry.terms.ord_type in ord_types)
            and is_listed(entry)
        )
        return [self._row(account, entry) for entry in page(chosen, lambda entry: entry.order.order_id, params)]

    def _kept(self, account: Account, resting: bool) -> list[Order]:
        if resting:
            engines = (market.engine for market in self._floor.markets.values())
            rest = [order for engine in engines for order in engine.resting(account.key)]
            return sorted(rest, key=lambda order: order.number, reverse=True)
        return [order for _, order in reversed(self._desk(account).orders.values())]

    def _row(self, account: Account, entry: Entry) -> rows.Order:
        lever = self._desk(account).book.position(entry.symbol).leverage
        return order_render.order(self._instruments[entry.symbol], entry, lever)

    # -- fills -------------------------------------------------------------------------------------------------------

    def fills(self, account: Account, params: Params, _: int) -> Rows:
        """https://www.okx.com/docs-v5/en/#order-book-trading-trade-get-transaction-details-last-3-days"""
        fits, (begin, end) = self._selected(params), window(params)
        order_id = params.text("ordId", "")
        numbered = enumerate(self._desk(account).fills)
        chosen = [
            (index, fill)
            for index, fill in numbered
            if fill.kind == "trade"
            and fits(fill.symbol)
            and order_id in ("", fill.order_id)
            and begin <= fill.ts_ms <= end
        ]
        return [self._fill(*found) for found in page(reversed(chosen), lambda found: bill_id(found[0]), params)]

    def _fill(self, index: int, fill: Fill) -> rows.Fill:
        market, order = self._floor.markets[fill.symbol], self._floor.desks[fill.account].orders[fill.order_id][1]
        tag = self._register.of(order).terms.tag
        return order_render.fill_row(self._instruments[fill.symbol], fill, index, tag, market.index_price)

    # -- closing -----------------------------------------------------------------------------------------------------

    def close(self, account: Account, params: Params, now_ms: int) -> Rows:
        """https://www.okx.com/docs-v5/en/#order-book-trading-trade-post-close-positions"""
        instrument = self._actions.by_id(params)
        params.word("mgnMode", ("cross",))
        params.word("posSide", ("net",), "net")
        held = self._desk(account).book.position(instrument.inst_id)
        if not held.size:
            raise OkxError(codes.NO_POSITION)
        if params.flag("autoCxl"):
            self._floor.cancel_all(account.key, now_ms, [instrument.inst_id])
        fields = {
            "tdMode": "cross",
            "side": "sell" if held.size > 0 else "buy",
            "ordType": "market",
            "sz": plain(instrument.contracts(abs(held.size))),
            "reduceOnly": True,
            "clOrdId": params.text("clOrdId", ""),
            "tag": params.text("tag", ""),
        }
        done = self._actions.place(account, Params(fields), instrument, now_ms)
        return [rows.Closed(instrument.inst_id, done.cl_ord_id, done.tag)]

    # -- within ------------------------------------------------------------------------------------------------------

    def _desk(self, account: Account) -> Desk:
        return self._floor.desks[account.key]

    def _selected(self, params: Params) -> Callable[[str], bool]:
        """Does an instrument fit instType, instFamily, uly and instId?"""
        kind = params.word("instType", (*INST_TYPES, ""), "")
        family = params.text("instFamily", "") or params.text("uly", "")
        chosen = params.text("instId", "")
        if chosen and chosen not in self._instruments:
            raise OkxError(codes.NO_INSTRUMENT)

        def fits(inst_id: str) -> bool:
            listed = self._instruments[inst_id]
            return kind in ("", listed.inst_type) and family in ("", listed.pair) and chosen in ("", inst_id)

        return fits
