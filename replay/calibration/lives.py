"""What became of each order, folded the same way from a recorded session and from what the paper venue answers."""

from dataclasses import dataclass, field
from decimal import Decimal

from state.events import Accepted, AnyEvent, Fill, FundingPayment, OrderUpdate, PlaceOrder, Rejected
from state.words import TERMINAL, Side

_ZERO = Decimal(0)


@dataclass(slots=True)
class Life:
    """One order as we heard of it; times of receipt, ns."""

    client_id: str
    venue: str
    symbol: str
    side: Side
    price: Decimal | None
    size: Decimal
    placed: int
    fills: list[tuple[int, Decimal]] = field(default_factory=list)
    made: bool = False  # its first fill gave liquidity
    ended: int | None = None

    @property
    def first_fill(self) -> int | None:
        return self.fills[0][0] if self.fills else None

    @property
    def filled(self) -> Decimal:
        return sum((size for _, size in self.fills), _ZERO)


class Lives:
    """Every order of a run, and what the account paid."""

    def __init__(self) -> None:
        self.orders: dict[str, Life] = {}
        self.fees: dict[str, Decimal] = {}
        self.funding: dict[str, Decimal] = {}
        self.answered: dict[int, int] = {}  # seq of an intent: when we had its outcome

    def begin(self, event: PlaceOrder, recv: int) -> None:
        """An order was wished for."""
        life = Life(event.client_id, event.venue, event.symbol, event.side, event.price, event.size, recv)
        self.orders[event.client_id] = life

    def take(self, event: AnyEvent, recv: int, cause: int) -> None:
        """Something was heard, as `Executions` have it; what says nothing of orders or money is no news."""
        match event:
            case Fill():
                self._filled(event, recv)
            case OrderUpdate():
                life = self.orders.get(event.client_id or "")
                if life is not None and event.status in TERMINAL and life.ended is None:
                    life.ended = recv
            case Accepted() | Rejected():
                self.answered.setdefault(cause, recv)
            case FundingPayment():
                self.funding[event.asset] = self.funding.get(event.asset, _ZERO) + event.amount
            case _:
                pass

    def _filled(self, fill: Fill, recv: int) -> None:
        self.fees[fill.fee_asset] = self.fees.get(fill.fee_asset, _ZERO) + fill.fee
        life = self.orders.get(fill.client_id or "")
        if life is None:
            return
        if not life.fills:
            life.made = fill.maker is not False
        life.fills.append((recv, fill.size))
