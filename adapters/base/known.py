"""What the account was last told to be, so that a fresh look at the venue can be compared with it.

Fed with every account event that passes; seeded with the log's at start. Bounded: ended orders leave, trade ids age out.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from adapters.base.once import Bounded, Once
from state.events import (
    Accepted,
    AnyEvent,
    BalanceUpdate,
    FeedStatus,
    Fill,
    FundingPayment,
    OrderUpdate,
    PositionUpdate,
    Reconciled,
)
from state.record import Frame, Inbox
from state.session_events import TAKEN
from state.words import TERMINAL, sign

MAX_FILL_IDS = 200_000
MAX_ENDED = 10_000
OWED_S = 3.0  # how much later than its order a fill may be told
LAG_NS = 5_000_000_000  # by which a venue's REST side may be behind its streams
QUIET_NS = 60_000_000_000  # how long nothing was traded where a list that has no time is believed against our fills


class Known:
    """One account's orders, fills, positions and balances, as events told them."""

    def __init__(self, venue: str) -> None:
        self.venue = venue
        self.orders: dict[str, OrderUpdate] = {}  # open ones, by client id, or order id where they have none
        self.positions: dict[str, Decimal] = {}  # as the ledger folds them: what was held at first, and fills since
        self.balances: dict[str, Decimal] = {}
        self.has_begun = False  # since it was said for the first time that the account was read whole
        self.opened_ns = 0  # what was traded before is inside the first positions that the venue told
        self._opening: dict[str, int] = {}  # as of when the first of each market was told, ns of the venue's clock
        self._reported: dict[str, PositionUpdate] = {}  # the venue's last word on each position that counts
        self._accepted: dict[str, str] = {}  # client id -> symbol, of orders that no stream has spoken of yet
        self._named = Once(MAX_ENDED)  # the venue's ids of orders whose client id is known
        self._ended = Bounded[str, tuple[int, str | None, int]](MAX_ENDED)  # version, order id, when we heard it
        self._as_of: dict[tuple[str, str], int] = {}  # when the venue said what is known, ns, by kind and key
        self._heard: dict[tuple[str, str], int] = {}  # and when we heard it
        self._filled_at: dict[str, int] = {}  # when the last fill of each market was made, ns of the venue's clock
        self._fills = Once(MAX_FILL_IDS)
        self._filled = Bounded[str, tuple[Decimal, Decimal]](
            MAX_ENDED
        )  # of an order: what it was told, what its fills say
        self.owing: dict[str, None] = {}  # orders that were told to have filled more than their fills come to

    def observe(self, events: Iterable[AnyEvent], recv: int = 0) -> None:
        """Takes note of account events and of when they came; a fill seen before changes nothing."""
        for event in events:
            if isinstance(event, Accepted | OrderUpdate | Fill) and event.order_id and event.client_id:
                self._named.is_new(event.order_id)
            match event:
                case Accepted(action="place") if not (event.client_id in self.orders or event.client_id in self._ended):
                    self._accepted[event.client_id] = event.symbol
                case OrderUpdate():
                    if not self._is_of_before_its_end(event, recv):
                        self._order(event, recv)
                    self._tally(event.client_id, told=event.filled)
                case Fill():
                    if self._is_new(event):
                        self._date("position", event.symbol, event.ts, recv)
                        self._filled_at[event.symbol] = max(event.ts or 0, self._filled_at.get(event.symbol, 0))
                        self._tally(event.client_id, more=event.size)
                        held = self.positions.get(event.symbol, Decimal(0))
                        self.positions[event.symbol] = held + sign(event.side) * event.size
                case FundingPayment():
                    self._is_new(event)
                case PositionUpdate():
                    self._date("position", event.symbol, event.ts, recv)
                    if not self.has_begun and event.symbol not in self.positions:
                        self._opening[event.symbol] = event.ts or 0
                        self.positions[event.symbol] = event.size
                    self.positions.setdefault(event.symbol, Decimal(0))
                    if not self.is_set_back(event):
                        self._reported[event.symbol] = event
                case Reconciled() if event.subject == TAKEN:
                    self.positions[event.symbol] = Decimal(event.theirs)
                case FeedStatus(channel="account", status="ok"):
                    self.has_begun = True
                case BalanceUpdate():
                    self._date("balance", event.asset, event.ts, recv)
                    self.balances[event.asset] = event.total

    def _tally(self, client_id: str | None, *, told: Decimal | None = None, more: Decimal = Decimal(0)) -> None:
        if not client_id or not (told or more):
            return
        most, heard = self._filled.get(client_id, (Decimal(0), Decimal(0)))
        most, heard = max(most, told or Decimal(0)), heard + more
        self._filled[client_id] = most, heard
        if most > heard:
            self.owing[client_id] = None
        else:
            self.owing.pop(client_id, None)

    def lacks_fills(self, order: OrderUpdate) -> bool:
        """True where it has filled more than the fills that were told of it come to."""
        _, heard = self._filled.get(order.client_id or "", (Decimal(0), Decimal(0)))
        return (order.filled or Decimal(0)) > heard

    def was_read(self, owed: Iterable[str]) -> None:
        """The account was read whole: what was `owed` before that and still is will never be told, at first all of it."""
        for client_id in owed if self.has_begun else tuple(self.owing):
            if client_id in self.owing:
                most, _ = self._filled.get(client_id, (Decimal(0), Decimal(0)))
                self._filled[client_id] = most, most
                del self.owing[client_id]

    def has(self, event: AnyEvent) -> bool:
        """True for a fill or a payment that was told before, or that is older than this account's session."""
        if not isinstance(event, Fill | FundingPayment):
            return False
        if event.ts is None or _fill_key(event) in self._fills:
            return _fill_key(event) in self._fills
        is_inside = isinstance(event, Fill) and event.ts <= self._opening.get(event.symbol, 0)
        return is_inside or event.ts < self.opened_ns

    def is_strange(self, event: AnyEvent) -> bool:
        """True for a fill that names its order by an id of the venue's of which nothing was heard."""
        return isinstance(event, Fill) and event.client_id is None and (event.order_id or "",) not in self._named

    def is_stale(self, event: AnyEvent, asked_ns: int) -> bool:
        """True where a stream has told something newer than this answer, which was under way meanwhile.

        By the venue's own numbers, but only lately: a venue whose clock was set back would be disbelieved for ever.
        """
        match event:
            case OrderUpdate():
                ours = self.orders.get(_key(event))
                newer = ours is not None and (ours.version or 0) > (event.version or 0)
                is_stale = newer and self._is_late("order", _key(event), asked_ns)
                return is_stale or self._is_of_before_its_end(event, asked_ns)
            case PositionUpdate():
                newer = self._as_of.get(("position", event.symbol), 0) > (event.ts or 0)
                return newer and self._is_late("position", event.symbol, asked_ns)
            case BalanceUpdate():
                newer = self._as_of.get(("balance", event.asset), 0) > (event.ts or 0)
                return newer and self._is_late("balance", event.asset, asked_ns)
            case _:
                return False

    def may_be_behind(self, event: PositionUpdate) -> bool:
        """True where fills were heard that the venue's word on a position may not have in it yet.

        What a list leaves out has no time of its own, so it is believed only where nothing was traded for a while.
        """
        since = self._filled_at.get(event.symbol, 0) + (0 if event.size else QUIET_NS)
        return event.ts is None or event.ts < since

    def is_set_back(self, event: PositionUpdate) -> bool:
        """True where it is older by its number than what was told: who keeps the newest does not believe it."""
        told = self._reported.get(event.symbol)
        return told is not None and 0 < (event.version or 0) < (told.version or 0)

    def _is_late(self, kind: str, key: str, asked_ns: int) -> bool:
        return self._heard.get((kind, key), 0) > asked_ns - LAG_NS

    def _is_of_before_its_end(self, update: OrderUpdate, asked_ns: int) -> bool:
        """A word of life of an order that has ended, from an answer that was under way meanwhile."""
        key = _key(update)
        if key in self.orders or key not in self._ended or update.status in TERMINAL:
            return False
        version, order_id, heard_ns = self._ended[key]
        is_older = (update.version or 0) <= version and update.order_id == order_id
        return is_older and heard_ns > asked_ns - LAG_NS

    def told_since(self, client_id: str, since_ns: int) -> OrderUpdate | None:
        """The last word of an order that is open, where it was heard since then."""
        return self.orders.get(client_id) if self._heard.get(("order", client_id), 0) >= since_ns else None

    def is_acknowledged(self, client_id: str) -> bool:
        """True for an order that the venue has spoken of, and not as ended."""
        return client_id in self.orders or client_id in self._accepted

    def unlisted(self, listed: Iterable[OrderUpdate]) -> Sequence[tuple[str, str]]:
        """Symbol and client id of orders that are open as far as we know, and not in the venue's list of open ones.

        One that was accepted, and of which no stream has said a word, may exist and counts as existing.
        """
        keys = {_key(update) for update in listed}
        known = [(o.symbol, o.client_id) for key, o in self.orders.items() if key not in keys and o.client_id]
        return [*known, *((symbol, name) for name, symbol in self._accepted.items() if name not in keys)]

    def flats(self, listed: Iterable[AnyEvent], ts: int | None) -> list[PositionUpdate]:
        """Positions that we or the venue's last word held and that a list of those that are not flat does not have."""
        held = {event.symbol for event in listed if isinstance(event, PositionUpdate)}
        reported = {symbol for symbol, told in self._reported.items() if told.size}
        gone = [
            symbol for symbol, size in self.positions.items() if (size or symbol in reported) and symbol not in held
        ]
        return [PositionUpdate(self.venue, symbol, ts, Decimal(0)) for symbol in gone]

    def differences(self, theirs: Iterable[AnyEvent]) -> list[Reconciled]:
        """Where the venue's own word differs from what was told before; call before `observe`."""
        found: list[Reconciled] = []
        for event in theirs:
            match event:
                case OrderUpdate():
                    ours = self.orders.get(_key(event))
                    if _said(ours) != _said(event) and not (ours is None and event.status in TERMINAL):
                        found.append(self._difference("order", _key(event), _said(ours), _said(event), event.symbol))
                case PositionUpdate() if self.positions.get(event.symbol, Decimal(0)) != event.size:
                    held = str(self.positions.get(event.symbol, Decimal(0)))
                    found.append(self._difference("position", event.symbol, held, str(event.size), event.symbol))
                case BalanceUpdate() if self.balances.get(event.asset, event.total) != event.total:
                    had = str(self.balances[event.asset])
                    found.append(self._difference("balance", event.asset, had, str(event.total), ""))
        return found

    def _difference(self, subject: str, what: str, ours: str, theirs: str, symbol: str) -> Reconciled:
        return Reconciled(self.venue, symbol, subject, what, ours, theirs)

    def _date(self, kind: str, key: str, ts: int | None, recv: int) -> None:
        self._heard[kind, key] = recv
        if ts is not None:
            self._as_of[kind, key] = max(ts, self._as_of.get((kind, key), 0))

    def _order(self, update: OrderUpdate, recv: int) -> None:
        key = _key(update)
        self._accepted.pop(key, None)
        if not (update.status in TERMINAL and update.firm):
            self._heard["order", key] = recv
            self.orders[key] = update
            return
        self.orders.pop(key, None)
        self._heard.pop(("order", key), None)
        self._ended[key] = update.version or 0, update.order_id, recv

    def _is_new(self, event: Fill | FundingPayment) -> bool:
        return self._fills.is_new(*_fill_key(event))


class Watched:
    """The inbox, with the account's events noted as they pass."""

    def __init__(self, inbox: Inbox, known: Known) -> None:
        self._feed = inbox.feed
        self._observe = known.observe

    def feed(self, recv: int, events: Sequence[AnyEvent], cause: int = 0, frame: Frame | None = None) -> None:
        self._observe(events, recv)
        self._feed(recv, events, cause, frame)


def _fill_key(event: Fill | FundingPayment) -> tuple[str, str, str]:
    """A trade between two orders of ours has one id and two sides; some venues count trades a symbol."""
    if isinstance(event, Fill):
        return event.symbol, event.side, event.fill_id
    return event.symbol, "funding", event.payment_id


def _key(update: OrderUpdate) -> str:
    return update.client_id or update.order_id or ""


def _said(update: OrderUpdate | None) -> str:
    """An order in the words that are compared."""
    if update is None:
        return "unknown"
    return f"{update.status} {update.side} {update.size} at {update.price}, filled {update.filled or Decimal(0)}"
