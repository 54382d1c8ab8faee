"""What each channel says: its snapshot on subscribing, and what a block adds to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import msgspec

from adapters.loopback.dydx import render, rows
from adapters.loopback.dydx.book_feed import BookFeed
from adapters.loopback.dydx.contracts import TERMS
from adapters.loopback.dydx.messages import Subaccount
from adapters.loopback.dydx.records import Indexer, Records
from adapters.loopback.dydx.sessions import Topic
from adapters.loopback.dydx.tape import RESOLUTIONS
from adapters.loopback.dydx.texts import iso, plain
from adapters.loopback.dydx.views import Block

SNAPSHOT_ROWS = 100
PARENT_MODULUS = 128
MOST_SUBACCOUNTS = 128_000
LIVE = ("OPEN", "UNTRIGGERED", "BEST_EFFORT_OPENED")
CANCELLED_BLOCKS = 20
"""So long a cancelled order that may still fill is in the snapshot."""
TRADING_MS = 30_000
TRADING_FIELDS = ("priceChange24H", "volume24H", "trades24H", "nextFundingRate", "openInterest", "baseOpenInterest")


class Channels:
    """Reads the indexer."""

    def __init__(self, indexer: Indexer, books: Mapping[str, BookFeed]) -> None:
        self.books = books
        self._indexer = indexer
        self._said: dict[str, dict[str, str | int]] = {}
        self._said_ms = 0
        self._oracle = dict(indexer.oracle)

    def knows(self, channel: str, name: str) -> bool:
        """Is there such an id in the channel?"""
        if channel == "v4_subaccounts":
            return parse_subaccount(name) is not None
        if channel == "v4_parent_subaccounts":
            of = parse_subaccount(name)
            return of is not None and of.number < PARENT_MODULUS
        ticker, _, resolution = name.partition("/")
        return ticker in self.books and (resolution in RESOLUTIONS if channel == "v4_candles" else not resolution)

    def snapshot(self, channel: str, name: str) -> bytes:
        """The contents of the answer to a subscribe."""
        match channel:
            case "v4_orderbook":
                return msgspec.json.encode(self.books[name].snapshot())
            case "v4_trades":
                return msgspec.json.encode({"trades": list(reversed(self._indexer.tapes[name].trades))[:SNAPSHOT_ROWS]})
            case "v4_candles":
                ticker, _, resolution = name.partition("/")
                return msgspec.json.encode({"candles": self._indexer.tapes[ticker].candles(resolution)[:SNAPSHOT_ROWS]})
            case "v4_markets":
                return msgspec.json.encode({"markets": self.markets()})
            case "v4_block_height":
                return msgspec.json.encode({"height": str(self._indexer.height), "time": iso(self._indexer.time_ms)})
            case "v4_subaccounts":
                return self._subaccount(name)
            case _:
                return self._parent(name)

    def markets(self) -> dict[str, rows.Market]:
        indexer = self._indexer
        return {
            ticker: render.market(tape, indexer.oracle[ticker], indexer.time_ms)
            for ticker, tape in indexer.tapes.items()
        }

    # -- blocks ------------------------------------------------------------------------------------------------------

    def of_block(self, block: Block, wanted: Callable[[Topic], bool]) -> Iterator[tuple[Topic, bytes]]:
        """What a block has for the public channels that are wanted, in the order in which it is said."""
        yield (
            ("v4_block_height", "v4_block_height"),
            msgspec.json.encode({"blockHeight": str(block.height), "time": iso(block.ts_ms)}),
        )
        for ticker, trades in block.trades.items():
            tape = self._indexer.tapes[ticker]
            printed = [
                msgspec.structs.replace(row, createdAtHeight=msgspec.UNSET) for row in list(tape.trades)[-len(trades) :]
            ]
            yield ("v4_trades", ticker), msgspec.json.encode({"trades": printed})
        for ticker in dict.fromkeys([*block.trades, *block.began]):
            for resolution in RESOLUTIONS:
                topic = "v4_candles", f"{ticker}/{resolution}"
                if wanted(topic):
                    yield topic, msgspec.json.encode(self._indexer.tapes[ticker].candles(resolution)[0])
        yield from self._markets_of(block)

    def _markets_of(self, block: Block) -> Iterator[tuple[Topic, bytes]]:
        moved = {ticker: price for ticker, price in block.oracle.items() if self._oracle.get(ticker) != price}
        if moved:
            self._oracle.update(moved)
            prices = {
                ticker: {
                    "oraclePrice": plain(price),
                    "effectiveAt": iso(block.ts_ms),
                    "effectiveAtHeight": str(block.height),
                    "marketId": TERMS[ticker].pair_id,
                }
                for ticker, price in moved.items()
            }
            yield ("v4_markets", ""), msgspec.json.encode({"oraclePrices": prices})
        if block.ts_ms - self._said_ms >= TRADING_MS:
            self._said_ms = block.ts_ms
            if changed := self._trading():
                yield ("v4_markets", ""), msgspec.json.encode({"trading": changed})

    def _trading(self) -> dict[str, dict[str, str | int]]:
        """The fields of each market that changed since they were last said."""
        changed: dict[str, dict[str, str | int]] = {}
        for ticker, row in self.markets().items():
            now: dict[str, str | int] = {name: getattr(row, name) for name in TRADING_FIELDS}
            before = self._said.get(ticker, {})
            if more := {name: value for name, value in now.items() if before.get(name) != value}:
                changed[ticker] = {"id": row.clobPairId, **more}
            self._said[ticker] = now
        return changed

    # -- subaccounts -------------------------------------------------------------------------------------------------

    def _subaccount(self, name: str) -> bytes:
        of = parse_subaccount(name)
        records = self._indexer.subaccounts.get(of.key) if of else None
        if records is None:
            return b"{}"
        indexer = self._indexer
        return msgspec.json.encode(
            {
                "subaccount": render.subaccount(records.holdings, indexer.oracle, indexer.height),
                "orders": self._orders(records),
                "blockHeight": str(indexer.height),
            }
        )

    def _parent(self, name: str) -> bytes:
        of, indexer = parse_subaccount(name), self._indexer
        children = [one for one in indexer.subaccounts.values() if of and is_child(one.subaccount, of)]
        if of is None or not children:
            return b"{}"
        drawn = [render.subaccount(one.holdings, indexer.oracle, indexer.height) for one in children]
        return msgspec.json.encode(
            {
                "subaccount": render.parent(of, drawn),
                "orders": [order for one in children for order in self._orders(one)],
                "blockHeight": str(indexer.height),
            }
        )

    def _orders(self, records: Records) -> list[rows.Order]:
        """The orders that live, and those cancelled of late that may still fill."""
        since = self._indexer.height - CANCELLED_BLOCKS
        return [
            render.kept_order(state)
            for state in reversed(records.orders.values())
            if state.status in LIVE or (state.status == "BEST_EFFORT_CANCELED" and (state.updated_height or 0) >= since)
        ]


def is_child(one: Subaccount, parent: Subaccount) -> bool:
    return one.owner == parent.owner and one.number % PARENT_MODULUS == parent.number


def parse_subaccount(name: str) -> Subaccount | None:
    """ADDRESS/NUMBER, or nothing where it is not that."""
    owner, _, number = name.partition("/")
    if not number.isdigit() or int(number) >= MOST_SUBACCOUNTS:
        return None
    return Subaccount(owner, int(number))
