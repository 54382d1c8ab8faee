"""A session's market as others made it, for a simulation on it: what was ours at a real venue is taken out.

There our orders stood in the books that were recorded, and what we took was printed as a trade. In a simulation neither is there:
its orders would queue behind those of the session, and fill by its trades.
"""

from collections.abc import Iterable, Iterator

from replay.assumed import assumed
from replay.calibration.footprint import Footprint
from replay.executions import Executions
from replay.journaled import journaled
from state.events import Accepted, AmendOrder, AnyEvent, Fill, OrderUpdate, PlaceOrder, Trade
from state.log import Log, SessionRow
from state.manifest import Manifest
from state.record import Record

_OURS = (PlaceOrder, AmendOrder, Accepted, OrderUpdate, Fill)


class Others:
    """One session's market without us; what traded at a paper venue never was in it."""

    def __init__(self, log: Log, row: SessionRow) -> None:
        """Reads the journal once."""
        self._footprint = Footprint()
        self._taken: set[tuple[str, str, str]] = set()  # venue, symbol and id of trades in which we were the taker
        self.orders = 0
        paper = assumed(Manifest.parse(row.manifest))
        if "" in paper:
            return
        executions = Executions()
        for record in journaled(log, row.id, _OURS):
            event = executions.heard(record.event)
            if event is None or event.venue in paper:
                continue
            self.orders += isinstance(event, PlaceOrder)
            if isinstance(event, Fill) and event.maker is False:
                self._taken.add((event.venue, event.symbol, event.fill_id))
            self._footprint.hear(event, record)
        self._footprint.settle()

    def market(self, records: Iterable[Record]) -> Iterator[Record]:
        """The session's records, of which those that the market said are as they would be without us."""
        if not self.orders:
            yield from records
            return
        for record in records:
            event = record.event
            shown = self.shown(event, record.recv)
            if shown is event:
                yield record
            elif shown is not None:
                yield Record(record.seq, record.recv, record.cause, shown)

    def shown(self, event: AnyEvent, recv: int) -> AnyEvent | None:
        """One event without us, received at `recv`; None for a trade that was all ours to take."""
        if isinstance(event, Trade) and (event.venue, event.symbol, event.trade_id) in self._taken:
            return None
        return self._footprint.without(event, recv)

    def words(self) -> list[str]:
        """What a simulation on it assumes besides, a sentence; nothing where there was nothing of ours."""
        if not self.orders:
            return []
        return [
            f"market: the session's own {self.orders} orders are taken out of the recorded books, by the venue's times, and what "
            "it took out of the trades; what others did because of them stays"
        ]
