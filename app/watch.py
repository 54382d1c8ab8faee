"""A live session as a person watches it: one small table on stderr, redrawn twice a second, and nothing where nobody looks."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from app.output import remark, shown_price
from app.session import LiveSession

if TYPE_CHECKING:
    from rich.table import Table

_EVERY_S = 0.5


@asynccontextmanager
async def watched(session: LiveSession) -> AsyncIterator[None]:
    """Draws the session while the body runs, and says that it ends: where a venue is not to be reached, that takes minutes."""
    if not sys.stderr.isatty():
        yield
        return
    drawing = asyncio.create_task(_draw(session))
    try:
        yield
    finally:
        drawing.cancel()
        await asyncio.gather(drawing, return_exceptions=True)
        remark(f"ending session {session.id}: waiting for the venues' word that nothing is left")


async def _draw(session: LiveSession) -> None:
    from rich.console import Console
    from rich.live import Live

    before = session.pipeline.seq
    with Live(console=Console(stderr=True), auto_refresh=False, transient=True) as live:
        while True:
            await asyncio.sleep(_EVERY_S)
            seq = session.pipeline.seq
            live.update(_table(session, (seq - before) / _EVERY_S), refresh=True)
            before = seq


def _table(session: LiveSession, events_per_s: float) -> "Table":
    from rich.table import Table

    shared = session.pipeline.shared
    title = (
        f"session {session.id}   {session.pipeline.seq} events   {events_per_s:.0f}/s   {session.intents_sent} intents"
    )
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for column in ("market", "book", "bid", "ask", "working", "position", "realized"):
        table.add_column(column, justify="left" if column in ("market", "book") else "right")
    for (venue, symbol), market in sorted(shared.markets.items()):
        if not symbol:
            continue
        account = shared.accounts.get(venue)
        position = account.ledger.position(symbol) if account is not None else None
        table.add_row(
            f"{venue} {symbol}",
            market.book.status
            if shared.connections.get((venue, "load"), "ok") == "ok"
            else f"{market.book.status}, late",
            shown_price(market.book.bid),
            shown_price(market.book.ask),
            str(len(account.orders.working(symbol))) if account is not None else "",
            f"{position.size:f}" if position is not None else "",
            f"{position.realized_pnl:.4f}" if position is not None else "",
        )
    return table
