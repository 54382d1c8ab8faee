"""Orders that live until a block or a time and then end by themselves: what is known of each, and which may still be filled."""

from collections.abc import Callable
from dataclasses import dataclass

from adapters.base.blocks import Blocks
from adapters.base.once import Bounded
from state.events import OrderUpdate
from state.words import TERMINAL, Side, TimeInForce

LIVES_MOST = 20_000


@dataclass(slots=True)
class Lifetime:
    """One order: what must be said of it again when it is changed, and its end.

    `kind` is what the venue counts it as: 0 lives until a block, all others until a time, in unix seconds.
    """

    symbol: str
    kind: int
    side: Side
    tif: TimeInForce
    reduce_only: bool
    until: int
    asked_ns: int = 0  # when it was last placed or amended from here
    taken: bool = False  # by a node
    told: bool = False  # by the venue's own lists and streams
    over: bool = False  # it can fill no more
    filled: bool = False  # some of it
    cancelled_at: int = 0  # height of the last cancel from here


class Lifetimes(Bounded[str, Lifetime]):
    """By client id. `now_s` is the venue's time; a request that is older than `request_s` gets into no block any more."""

    def __init__(self, blocks: Blocks, request_s: float) -> None:
        super().__init__(LIVES_MOST)
        self.now_s: Callable[[], float] = lambda: 0.0
        self._blocks = blocks
        self._request_s = request_s

    def note(self, update: OrderUpdate, kind: int, until: int) -> None:
        """What an order's word says of its life; an order that was made elsewhere is known from now on."""
        client_id = update.client_id
        if client_id is None:
            return
        life = self.get(client_id)
        if life is None and update.side is not None:
            life = Lifetime(update.symbol, kind, update.side, update.tif or "gtc", update.reduce_only, until)
            self[client_id] = life
        if life is not None:
            life.told = True
            life.until = max(life.until, until)
            life.over = update.status in TERMINAL and update.firm
            life.filled = life.filled or bool(update.filled)

    def may_live(self, life: Lifetime, behind: int = 0) -> bool:
        """Whether a block can still fill it, as of so many blocks ago; one that nobody told of, whether it can still arrive."""
        if life.over:
            return False
        if life.kind == 0:
            return not self._blocks.is_over(life.until, self._blocks.latest - behind)
        now_s = self.now_s()
        return now_s <= life.until and (life.told or now_s <= life.asked_ns / 1e9 + self._request_s)

    def is_past(self, update: OrderUpdate) -> bool:
        """Its time is over, whatever a list says that is late."""
        life = self.get(update.client_id or "")
        return life is not None and not self.may_live(life)

    def is_overdue(self, life: Lifetime, *, is_open: bool) -> bool:
        """Its end is behind us, and nobody told how it came; `is_open` as far as was told."""
        return (is_open or (life.taken and not life.told)) and not self.may_live(life, self._blocks.grace)

    def cancellable(self, symbol: str, most: int) -> list[list[str]]:
        """What may live, of a symbol or of all, for requests that cancel so many; what lives until a time is cancelled alone.

        A cancel is a wish, so it is said again, but once a block.
        """
        of_symbol = [(key, life) for key, life in self.items() if symbol in ("", life.symbol)]
        living = [(key, life) for key, life in of_symbol if self.may_live(life)]
        short = [key for key, life in living if life.kind == 0 and life.cancelled_at < self._blocks.latest]
        alone = [[key] for key, life in living if life.kind]
        return [*(short[at : at + most] for at in range(0, len(short), most)), *alone]
