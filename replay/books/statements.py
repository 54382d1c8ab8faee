"""Executions in the columns of venues' own lists of fills, for programs that read those; what only the venue knows is empty.

Funding is in other lists of theirs, and in our layouts `generic` and `bybit`. OKX counts in contracts, whose size is not known
beyond its adapter: it has no layout here.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final, Literal, TypeAlias

from replay.books.executed import Cell, Executed, iso, plain, truth
from state.events import Fill

Statement: TypeAlias = Literal["binance", "hyperliquid", "dydx"]

COLUMNS: Final[Mapping[str, Sequence[str]]] = {  # by `Statement`
    # https://developers.binance.com/docs/derivatives/usds-margined-futures/trade/rest-api/Account-Trade-List
    "binance": (
        "buyer", "commission", "commissionAsset", "id", "maker", "orderId", "price", "qty", "quoteQty", "realizedPnl", "side",
        "positionSide", "symbol", "time",
    ),
    # https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/info-endpoint#retrieve-a-users-fills
    "hyperliquid": (
        "closedPnl", "coin", "crossed", "dir", "hash", "oid", "px", "side", "startPosition", "sz", "time", "fee", "feeToken",
        "tid", "cloid",
    ),
    # https://docs.dydx.xyz/indexer-client/http#get-fills
    "dydx": (
        "id", "side", "liquidity", "type", "market", "marketType", "price", "size", "fee", "createdAt", "createdAtHeight",
        "orderId", "clientMetadata",
    ),
}  # fmt: skip


def _binance(it: Executed, fill: Fill) -> Sequence[Cell]:
    """A commission is positive where paid, negative where it is a rebate."""
    return (
        truth(fill.side == "buy"), plain(-fill.fee), fill.fee_asset, fill.fill_id, truth(fill.maker), fill.order_id or "",
        plain(fill.price), plain(fill.size), plain(it.value), plain(it.pnl), fill.side.upper(), "BOTH",
        fill.symbol, str(it.ms),
    )  # fmt: skip


def _hyperliquid(it: Executed, fill: Fill) -> Sequence[Cell]:
    """A fee is positive where paid; `crossed` is a taker's; side B bid, A ask."""
    moved = fill.size if fill.side == "buy" else -fill.size
    before = it.held - moved
    return (
        plain(it.pnl), fill.symbol, truth(None if fill.maker is None else not fill.maker), _direction(it, before), "",
        fill.order_id or "", plain(fill.price), "B" if fill.side == "buy" else "A", plain(before), plain(fill.size),
        str(it.ms), plain(-fill.fee), fill.fee_asset, fill.fill_id, fill.client_id or "",
    )  # fmt: skip


def _direction(it: Executed, before: Decimal) -> str:
    after = it.held
    if it.instrument is not None and it.instrument.kind == "spot":
        return "Buy" if after > before else "Sell"
    if before * after < 0:
        return "Short > Long" if after > 0 else "Long > Short"
    side = "Long" if before > 0 or after > 0 else "Short"
    return f"{'Open' if abs(after) > abs(before) else 'Close'} {side}"


def _dydx(it: Executed, fill: Fill) -> Sequence[Cell]:
    """A fee is positive where paid, negative where it is a rebate."""
    liquidity = "" if fill.maker is None else "MAKER" if fill.maker else "TAKER"
    return (
        fill.fill_id, fill.side.upper(), liquidity, "LIMIT" if fill.kind == "trade" else "LIQUIDATED", fill.symbol, "PERPETUAL",
        plain(fill.price), plain(fill.size), plain(-fill.fee), iso(it.ms), "", fill.order_id or "", "",
    )  # fmt: skip


_ROWS: Final[Mapping[Statement, Callable[[Executed, Fill], Sequence[Cell]]]] = {
    "binance": _binance,
    "hyperliquid": _hyperliquid,
    "dydx": _dydx,
}


def statement_rows(it: Executed, layout: Statement) -> Iterator[Sequence[Cell]]:
    """One row an execution."""
    if isinstance(it.event, Fill):
        yield _ROWS[layout](it, it.event)
