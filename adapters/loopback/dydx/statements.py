"""What the indexer's REST says of subaccounts: anybody may ask about any address."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import TypeVar

import msgspec

from adapters.loopback.dydx import render, rows
from adapters.loopback.dydx.channels import PARENT_MODULUS, is_child
from adapters.loopback.dydx.messages import Subaccount
from adapters.loopback.dydx.positions import Position
from adapters.loopback.dydx.query import Query, QueryError
from adapters.loopback.dydx.records import Indexer, Records
from adapters.loopback.dydx.render import OrderState
from adapters.loopback.dydx.texts import iso_ms

STATUSES = (
    "BEST_EFFORT_OPENED", "OPEN", "FILLED", "CANCELED", "BEST_EFFORT_CANCELED", "UNTRIGGERED", "ERROR", "PENDING",
)  # fmt: skip
SIDES = ("BUY", "SELL")
TYPES = ("LIMIT", "MARKET", "STOP_LIMIT", "STOP_MARKET", "TRAILING_STOP", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TWAP")
POSITION_STATUSES = ("OPEN", "CLOSED", "LIQUIDATED")
RowT = TypeVar("RowT", rows.Fill, rows.FundingPayment, rows.Transfer)
Key = Callable[[OrderState], bool]


class Profile(msgspec.Struct, gc=False, rename="camel"):
    subaccounts: list[rows.Subaccount]
    total_trading_rewards: str = "0"


class OneSubaccount(msgspec.Struct, gc=False):
    subaccount: rows.Subaccount | rows.ParentSubaccount


class Positions(msgspec.Struct, gc=False):
    positions: list[rows.Position]


class Assets(msgspec.Struct, gc=False):
    positions: list[rows.Asset]


class Page(msgspec.Struct, gc=False, rename="camel", omit_defaults=True):
    """Counts that are only there where a page was asked for."""

    page_size: int | None = None
    total_results: int | None = None
    offset: int | None = None


class Fills(Page, gc=False, rename="camel", omit_defaults=True, kw_only=True):
    fills: list[rows.Fill]


class FundingPayments(Page, gc=False, rename="camel", omit_defaults=True, kw_only=True):
    funding_payments: list[rows.FundingPayment]


class Transfers(Page, gc=False, rename="camel", omit_defaults=True, kw_only=True):
    transfers: list[rows.Transfer]


class Statements:
    """Reads the indexer."""

    def __init__(self, indexer: Indexer) -> None:
        self._indexer = indexer

    # -- subaccounts -------------------------------------------------------------------------------------------------

    def address(self, query: Query, _: int) -> Profile:
        """All subaccounts of an address; 404 where it has none."""
        owner = query.text("address")
        found = [one for one in self._indexer.subaccounts.values() if one.subaccount.owner == owner]
        if not found:
            raise QueryError(HTTPStatus.NOT_FOUND, f"No subaccounts found for address {owner}")
        return Profile([self._drawn(one) for one in found])

    def subaccount(self, query: Query, _: int) -> OneSubaccount:
        return OneSubaccount(self._drawn(self._one(query)))

    def parent(self, query: Query, _: int) -> OneSubaccount:
        of = query.subaccount()
        children = self._children(of)
        if not children:
            raise QueryError(HTTPStatus.NOT_FOUND, f"No subaccounts found for address {of.owner}")
        return OneSubaccount(render.parent(of, [self._drawn(one) for one in children]))

    def positions(self, query: Query, _: int) -> Positions:
        """Newest first."""
        status = query.words("status", POSITION_STATUSES)
        found: list[rows.Position] = []
        for records in self._asked(query):
            held: list[Position] = [*records.holdings.closed, *records.holdings.open.values()]
            drawn = [render.position(one, self._indexer.oracle[one.ticker], records.subaccount.number) for one in held]
            found += [row for row in drawn if not status or row.status in status]
        found.sort(key=lambda row: int(row.createdAtHeight), reverse=True)
        return Positions(found[: query.limit()])

    def assets(self, query: Query, _: int) -> Assets:
        return Assets([render.asset(one.holdings) for one in self._asked(query) if one.holdings.usdc])

    # -- orders ------------------------------------------------------------------------------------------------------

    def orders(self, query: Query, _: int) -> list[rows.Order]:
        """A bare array, the latest good-til first unless told otherwise; a time is later than every block."""
        wanted = self._filters(query)
        found = [
            state
            for records in self._asked(query)
            for state in reversed(records.orders.values())
            if all(fits(state) for fits in wanted)
        ]
        latest_first = not query.has("returnLatestOrders") or query.flag("returnLatestOrders")
        found.sort(key=lambda state: (state.place.good_til_time_s, state.place.good_til_block), reverse=latest_first)
        return [render.kept_order(state) for state in found[: query.limit()]]

    def order(self, query: Query, _: int) -> rows.Order:
        uuid = query.text("orderId")
        for records in self._indexer.subaccounts.values():
            state = records.orders.get(uuid)
            if state is not None:
                return render.kept_order(state)
        raise QueryError(HTTPStatus.NOT_FOUND, f"Unable to find order id {uuid}")

    @staticmethod
    def _filters(query: Query) -> list[Key]:
        wanted: list[Key] = []
        if query.has("ticker"):
            ticker = query.text("ticker")
            wanted.append(lambda state: state.ticker == ticker)
        if side := query.word("side", SIDES):
            wanted.append(lambda state: render.order(state).side == side)
        if kind := query.word("type", TYPES):
            wanted.append(lambda state: render.order_type(state.place) == kind)
        if status := query.words("status", STATUSES):
            wanted.append(lambda state: state.status in status)
        if query.has("goodTilBlockBeforeOrAt"):
            until = query.integer("goodTilBlockBeforeOrAt")
            wanted.append(lambda state: 0 < state.place.good_til_block <= until)
        if query.has("goodTilBlockAfter"):
            after = query.integer("goodTilBlockAfter")
            wanted.append(lambda state: state.place.good_til_block > after)
        until_ms = query.time_ms("goodTilBlockTimeBeforeOrAt")
        if until_ms is not None:
            wanted.append(lambda state: 0 < state.place.good_til_time_s * 1000 <= until_ms)
        after_ms = query.time_ms("goodTilBlockTimeAfter")
        if after_ms is not None:
            wanted.append(lambda state: state.place.good_til_time_s * 1000 > after_ms)
        return wanted

    # -- what happened -----------------------------------------------------------------------------------------------

    def fills(self, query: Query, _: int) -> Fills:
        """Newest first, by pages oldest first; a market filters only together with its type."""
        found = [row for records in self._asked(query) for row in records.fills]
        if query.has("market") and query.has("marketType"):
            market = query.text("market")
            found = [row for row in found if row.market == market]
        shown, page = self._shown(found, query)
        return Fills(fills=shown, **page)

    def funding(self, query: Query, _: int) -> FundingPayments:
        found = [row for records in self._asked(query) for row in records.funding]
        if query.has("ticker"):
            ticker = query.text("ticker")
            found = [row for row in found if row.ticker == ticker]
        since = query.time_ms("afterOrAt")
        if since is not None:
            found = [row for row in found if iso_ms(row.createdAt) >= since]
        shown, page = self._shown(found, query)
        return FundingPayments(funding_payments=shown, **page)

    def transfers(self, query: Query, _: int) -> Transfers:
        found = [row for records in self._asked(query) for row in records.transfers]
        shown, page = self._shown(found, query)
        return Transfers(transfers=shown, **page)

    @staticmethod
    def _shown(found: Sequence[RowT], query: Query) -> tuple[list[RowT], dict[str, int]]:
        """The rows within the bounds asked for, with the counts of a page."""
        until = query.time_ms("createdBeforeOrAt")
        height = query.integer("createdBeforeOrAtHeight", 1 << 62)
        kept = [
            row
            for row in sorted(found, key=lambda row: int(row.createdAtHeight))
            if int(row.createdAtHeight) <= height and (until is None or iso_ms(row.createdAt) <= until)
        ]
        limit = query.limit()
        if not query.has("page"):
            return kept[::-1][:limit], {}
        offset = (max(1, query.integer("page")) - 1) * limit
        counts = {"page_size": limit, "total_results": len(kept), "offset": offset}
        return kept[offset : offset + limit], counts

    # -- within ------------------------------------------------------------------------------------------------------

    def _one(self, query: Query) -> Records:
        of = query.subaccount()
        found = self._indexer.subaccounts.get(of.key)
        if found is None:
            words = f"No subaccount found with address {of.owner} and subaccountNumber {of.number}"
            raise QueryError(HTTPStatus.NOT_FOUND, words)
        return found

    def _asked(self, query: Query) -> list[Records]:
        """The subaccount asked for, or with `parentSubaccountNumber` all its children; none where there is none."""
        if query.has("parentSubaccountNumber"):
            return self._children(query.subaccount("parentSubaccountNumber"))
        found = self._indexer.subaccounts.get(query.subaccount().key)
        return [found] if found else []

    def _children(self, parent: Subaccount) -> list[Records]:
        if parent.number >= PARENT_MODULUS:
            raise QueryError(HTTPStatus.BAD_REQUEST, f"parentSubaccountNumber must be below {PARENT_MODULUS}")
        return [one for one in self._indexer.subaccounts.values() if is_child(one.subaccount, parent)]

    def _drawn(self, records: Records) -> rows.Subaccount:
        return render.subaccount(records.holdings, self._indexer.oracle, self._indexer.height)
