"""One order as far as it is known. Only `state/orders.py` changes it; how is told in `state/order_table.py`."""

from decimal import Decimal

import msgspec

from state.events import OrderUpdate, PlaceOrder
from state.order_table import TOLD, TRANSITIONS, Word
from state.words import TERMINAL, OrderKind, OrderStatus, Origin, Refusal, Side, TimeInForce

_ZERO = Decimal(0)


class Order(msgspec.Struct):
    """`placed_seq` is the seq of its PlaceOrder, 0 when adopted; `ordinal` its place among the orders of its account."""

    venue: str
    symbol: str
    client_id: str
    side: Side
    kind: OrderKind
    tif: TimeInForce
    price: Decimal | None
    size: Decimal
    order_id: str | None = None
    status: OrderStatus = "pending"
    filled: Decimal = _ZERO
    avg_price: Decimal | None = None
    reduce_only: bool = False
    strategy: str = ""
    label: str = ""
    placed_seq: int = 0
    updated_seq: int = 0
    acknowledged: bool = False
    pending_cancel: bool = False
    origin: Origin = "user"
    reason: str | None = None
    refusal: Refusal | None = None
    # What lies behind the above; of no use to a strategy.
    ordinal: int = 0
    amends: tuple[tuple[int, Decimal, Decimal], ...] = ()  # seq of the intent, price, size; oldest first
    cancel_seq: int = 0
    refused: bool = False  # rejected by the answer to the request only
    place_unknown: bool = False
    amend_unknown: bool = False
    cancel_unknown: bool = False
    fills_size: Decimal = _ZERO
    fills_value: Decimal = _ZERO
    told_filled: Decimal = _ZERO
    told_avg: Decimal | None = None
    told_ts: int | None = None
    version: int | None = None
    former_ids: tuple[str, ...] = ()

    @classmethod
    def wished(cls, intent: PlaceOrder, seq: int) -> "Order":
        """The order that an intent asks for, before it has its place among the others."""
        # By position, up to the field that is needed: by name it takes twice as long, and it is on every order's way.
        return cls(
            intent.venue,
            intent.symbol,
            intent.client_id,
            intent.side,
            intent.kind,
            intent.tif,
            intent.price,
            intent.size,
            None,  # order_id
            "pending",
            _ZERO,  # filled
            None,  # avg_price
            intent.reduce_only,
            intent.strategy,
            intent.label,
            seq,  # placed_seq
            seq,  # updated_seq
        )

    @classmethod
    def adopted(cls, event: OrderUpdate, side: Side, ordinal: int) -> "Order":
        """The order that the venue told of and nobody here placed."""
        return cls(
            venue=event.venue,
            symbol=event.symbol,
            client_id=event.client_id or "",
            side=side,
            kind=event.kind or ("market" if event.price is None else "limit"),
            tif=event.tif or "gtc",
            price=event.price,
            size=event.size or _ZERO,
            reduce_only=event.reduce_only,
            ordinal=ordinal,
        )

    @property
    def remaining(self) -> Decimal:
        """What can still fill, never negative."""
        return max(self.size - self.filled, _ZERO)

    @property
    def is_open(self) -> bool:
        """True until it has ended: an order of which nothing is known yet, or never will be, counts as existing."""
        return self.status not in TERMINAL

    @property
    def unknown(self) -> bool:
        """An outcome of it is not known: it may exist, so it counts as existing."""
        return self.place_unknown or self.amend_unknown or self.cancel_unknown

    @property
    def pending_amend(self) -> tuple[Decimal, Decimal] | None:
        """Price and size last wished for and not yet answered."""
        return self.amends[-1][1:] if self.amends else None

    # --- written by Orders only ---

    def hear(self, word: Word) -> None:
        """Moves along the table; the end of an order is the end of all that was pending."""
        self.status = TRANSITIONS[self.status][word]
        if self.status in TERMINAL:
            self.pending_cancel = self.place_unknown = self.amend_unknown = self.cancel_unknown = False
            self.amends = ()

    def exists(self) -> None:
        """The stream or a fill spoke of it: a refusal of the request is void, doubt about the placement gone."""
        self.place_unknown = False
        if self.refused:
            self.refused = False
            self.status = "pending"
            self.reason = self.refusal = None

    def learn(self, event: OrderUpdate, *, is_old: bool = False) -> None:
        """Joins what the venue says the order is now, or was when it said so."""
        is_wish = not event.firm and event.status in TERMINAL
        if is_wish and self.refused and not event.filled:
            return  # cancelling what never was is a wish too, and no word of life
        self.refused = self.refused and event.status != "rejected"  # the stream says so too
        self.exists()
        self.acknowledged = True
        fresh = not is_old and (self.told_ts is None or event.ts is None or event.ts >= self.told_ts)
        if fresh:
            self.told_ts = event.ts if event.ts is not None else self.told_ts
            self.version = event.version if event.version is not None else self.version
            if self.is_open:
                self._take_terms(event)
        if (self.is_open and fresh) or TRANSITIONS[self.status][TOLD[event.status]] != self.status:
            self._take_words(event)
        self._take_filled(event)
        if is_wish:
            self.pending_cancel = self.is_open
        else:
            self.hear(TOLD[event.status])
            if fresh and self.is_open:
                self._end_doubt()
        self.settle()

    def count(self, size: Decimal, value: Decimal) -> None:
        """Joins fills heard for the first time; `value` is the sum of price times size."""
        self.exists()
        self.fills_size += size
        self.fills_value += value
        self.settle()

    def answer_amend(self, cause: int, *, accepted: bool, ts: int | None = None) -> None:
        """The amendment of intent `cause` (0: the oldest) was answered; what the stream told before `ts` is old then."""
        self.amend_unknown = False
        amend = next((amend for amend in self.amends if cause in (0, amend[0])), None)
        if amend is None:
            return
        if accepted:
            _, self.price, self.size = amend
            if ts is not None:
                self.told_ts = max(ts, self.told_ts or 0)
            self.amends = tuple(later for later in self.amends if later[0] > amend[0])
        else:
            self.amends = tuple(other for other in self.amends if other is not amend)
        self.settle()

    def settle(self) -> None:
        """Adds up what is filled, and ends the order when it is full for certain."""
        self.filled = max(self.fills_size, self.told_filled)
        if self.fills_size and (self.fills_size >= self.told_filled or self.told_avg is None):
            self.avg_price = self.fills_value / self.fills_size
        else:
            self.avg_price = self.told_avg
        if self.filled:
            full = max(self.size, *(size for _, _, size in self.amends)) if self.amends else self.size
            self.hear("last fill" if self.filled >= full > 0 else "part fill")

    def is_renamed_by(self, event: OrderUpdate) -> bool:
        """True where an update says that its order id took the place of ours: then ours is the former."""
        return event.replaces is not None and event.replaces == self.order_id

    def is_succeeded_by(self, event: OrderUpdate) -> bool:
        """True where an update under another order id is the newer one, because it says so or by the venue's time."""
        if self.is_renamed_by(event):
            return True
        return event.ts is not None and (self.told_ts is None or event.ts >= self.told_ts)

    def replaced(self, size: Decimal | None) -> None:
        """Another order id took its place: what the former one was told to be is no end of it, nor is what filled all of that."""
        if self.status != "filled" or (size or _ZERO) > self.filled:
            self.status = "pending"
            self.version = None

    def absorb(self, other: "Order") -> None:
        """Joins what was known of the same order under its order id alone."""
        if self.refused and other.status == "pending" and other.pending_cancel and not other.filled:
            return  # all that was told of it is the wish to end it: no word of life
        self.exists()
        self.acknowledged = self.acknowledged or other.acknowledged
        self.told_filled = max(self.told_filled, other.told_filled)
        self.told_avg = self.told_avg if self.told_avg is not None else other.told_avg
        self.fills_size += other.fills_size
        self.fills_value += other.fills_value
        self.price, self.size = other.price, other.size
        self.origin, self.reason, self.refusal = other.origin, other.reason, other.refusal
        self.version, self.told_ts = other.version, other.told_ts
        self.hear(TOLD[other.status])
        self.settle()

    def visible(self) -> tuple[object, ...]:
        """What a reader can see of it, to tell news from repetition."""
        return (
            self.status,
            self.price,
            self.size,
            self.filled,
            self.avg_price,
            self.order_id,
            self.acknowledged,
            self.pending_cancel,
            self.amends,
            self.unknown,
            self.origin,
            self.reason,
            self.refusal,
        )

    def _take_terms(self, event: OrderUpdate) -> None:
        self.price = event.price if event.price is not None else self.price
        self.size = event.size or self.size
        told = [
            place for place, (_, price, size) in enumerate(self.amends) if (price, size) == (event.price, event.size)
        ]
        if told:
            self.amends = self.amends[told[-1] + 1 :]

    def _take_words(self, event: OrderUpdate) -> None:
        self.origin = event.origin
        self.reason = event.reason if event.reason is not None else self.reason
        # Of a living order it is the last amendment that was refused, and the next word has forgotten it.
        self.refusal = event.refusal if event.refusal is not None or self.is_open else self.refusal

    def _take_filled(self, event: OrderUpdate) -> None:
        told = event.filled
        if told is None and event.status == "filled":
            told = self.size
        if told is not None and told >= self.told_filled:
            self.told_filled = told
            self.told_avg = event.avg_price if event.avg_price is not None else self.told_avg

    def _end_doubt(self) -> None:
        """The stream says that it is open: a cancel or an amendment of unknown outcome did not take."""
        if self.cancel_unknown:
            self.pending_cancel = self.cancel_unknown = False
        if self.amend_unknown:
            self.amends, self.amend_unknown = (), False
