"""What happens to an account that cannot hold its positions any more: everything is closed and nothing is left.

Equity (balance and open PnL at the mark) at or below the maintenance margin ends it: every order is cancelled, every
position settled in that asset is closed at its mark, and what equity is left goes to the venue as the fee of the last
of these fills. Venues are at best as kind: they close at the bankruptcy price, or by the book, and keep the rest. A market
that jumped through everything leaves a debt, which here stays one.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from adapters.paper.account import PaperAccount
from adapters.paper.market import PaperMarket
from state.events import Fill
from state.words import Side

_ZERO = Decimal(0)


def is_due(account: PaperAccount, asset: str, markets: Sequence[PaperMarket]) -> bool:
    """True where positions are held that the equity does not carry."""
    needed = account.maintenance(asset, markets)
    return needed > 0 and account.equity(asset, markets) <= needed


def closing_fills(account: PaperAccount, asset: str, markets: Iterable[PaperMarket], name: str, now: int) -> list[Fill]:
    """The fills that close every position settled in an asset; `name` begins their ids."""
    known = list(markets)
    left = max(_ZERO, account.equity(asset, known))
    fills: list[Fill] = []
    for market in known:
        rules, price, size = market.instrument, market.price(), account.position(market.symbol).size
        if rules is None or price is None or not size or rules.settle != asset or rules.kind == "spot":
            continue
        side: Side = "sell" if size > 0 else "buy"
        order_id = f"{name}-{len(fills) + 1}"
        fills.append(
            Fill(account.venue, market.symbol, now, f"{order_id}-1", order_id, None, side, price, abs(size), _ZERO, asset,
                 maker=False, kind="liquidation")
        )  # fmt: skip
    if fills and left:
        last = fills[-1]
        fills[-1] = Fill(
            last.venue, last.symbol, now, last.fill_id, last.order_id, None, last.side, last.price, last.size, -left, asset,
            maker=False, kind="liquidation",
        )  # fmt: skip
    return fills
