"""Seeded order flow of one symbol: makers who lay and move a book, takers, trends and bursts. Same seed and steps, same flow."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from adapters.loopback.floor import Floor
from adapters.loopback.orders import Kind, Side, Tif

WALL = 80
"""Levels a side that the makers lay at first and do not fall below."""
MAX_ORDERS = 600
WARM_UP_STEPS = 300
WARM_UP_SPACING_MS = 1_000


@dataclass(frozen=True, slots=True)
class Mood:
    """How the market behaves for a while; drift in ticks per step, `takers` is their share of the actions."""

    name: str
    drift: float
    swing: float
    takers: float
    mean_steps: int


MOODS = (
    (0.70, Mood("calm", 0.0, 0.5, 0.10, 400)),
    (0.12, Mood("rising", 0.25, 1.0, 0.16, 150)),
    (0.12, Mood("falling", -0.25, 1.0, 0.16, 150)),
    (0.06, Mood("burst", 0.0, 3.0, 0.45, 40)),
)


class Flow:
    """The rest of the market in one symbol."""

    def __init__(self, floor: Floor, symbol: str, seed: int) -> None:
        self._floor, self._symbol = floor, symbol
        self._market = floor.markets[symbol]
        contract = self._market.contract
        self._random = random.Random(f"{seed}-{symbol}")  # noqa: S311 - a simulation, reproducible on purpose
        self._tick, self._lot = contract.tick, contract.lot
        self._lots, self._swing = contract.typical_lots, contract.swing_ticks
        self._fair = float(contract.start_price / contract.tick)
        self._mood, self._left = MOODS[0][1], 0
        self._mine: dict[str, tuple[Side, int]] = {}
        """The makers' orders with side and price in ticks, oldest first."""

    @property
    def mood(self) -> str:
        return self._mood.name

    def open(self, now_ms: int) -> None:
        """Lays the first book."""
        for distance in range(1, WALL + 1):
            for side in (Side.BUY, Side.SELL):
                self._lay(side, int(self._fair) - side.sign * distance, now_ms)

    def step(self, now_ms: int) -> None:
        """One moment of the market: fair value moves, then somebody does something."""
        self._drift()
        roll = self._random.random()
        if roll < self._mood.takers:
            self._take(now_ms)
        elif roll < 0.75:
            self._make(now_ms)
        else:
            self._withdraw(now_ms)
        self._chase(now_ms)
        self._mend(now_ms)

    # -- what moves --------------------------------------------------------------------------------------------------

    def _drift(self) -> None:
        if self._left <= 0:
            self._mood = self._random.choices([m for _, m in MOODS], [w for w, _ in MOODS])[0]
            self._left = 1 + int(self._random.expovariate(1 / self._mood.mean_steps))
        self._left -= 1
        self._fair += (self._mood.drift + self._random.gauss(0, 0.5) * self._mood.swing) * self._swing
        floor, start = 200.0, float(self._market.contract.start_price / self._tick)
        self._fair = max(floor, self._fair + (start - self._fair) * 1e-6)
        self._market.index_price = self._market.snap(Decimal(repr(self._fair)) * self._tick)

    # -- who acts ----------------------------------------------------------------------------------------------------

    def _make(self, now_ms: int) -> None:
        """A maker joins, mostly near the fair value."""
        side = self._random.choice((Side.BUY, Side.SELL))
        distance = 1 + int(self._random.expovariate(1 / 12))
        self._lay(side, int(self._fair) - side.sign * distance + (side is Side.SELL), now_ms)

    def _withdraw(self, now_ms: int) -> None:
        """A maker leaves."""
        if self._mine:
            keys = list(self._mine)
            self._cancel(self._random.choice(keys), now_ms)

    def _take(self, now_ms: int) -> None:
        """A taker crosses the spread: small mostly, now and then through levels, in a burst sometimes by force."""
        side = Side.BUY if self._random.random() < 0.5 + self._mood.drift else Side.SELL
        bursting = self._mood.name == "burst"
        scale = 4.0 if bursting else 1.0
        lots = max(1, int(self._random.lognormvariate(0, 1.2) * self._lots * 0.4 * scale))
        forced = bursting and self._random.random() < 0.1
        floor, size = self._floor, self._size(lots)
        if size > 0:
            floor.street(self._symbol, side, Kind.MARKET, Tif.IOC, Decimal(0), size, now_ms, liquidates=forced)

    def _chase(self, now_ms: int) -> None:
        """Quotes on the wrong side of the fair value are taken, as somebody always knows."""
        engine = self._market.engine
        for side in (Side.BUY, Side.SELL):
            best = engine.best(side.opposite)
            limit = int(self._fair) if side is Side.BUY else int(self._fair) + 1
            if best is not None and (limit - int(best[0] / self._tick)) * side.sign > 2:
                price = limit * self._tick
                size = self._size(max(1, int(self._lots * 6)))
                self._floor.street(self._symbol, side, Kind.LIMIT, Tif.IOC, price, size, now_ms)

    def _mend(self, now_ms: int) -> None:
        """Keeps the wall: new quotes at the far edge where levels are missing, the farthest gone where there are too many."""
        engine = self._market.engine
        for side in (Side.BUY, Side.SELL):
            missing = WALL - engine.levels(side)
            for _ in range(min(missing, 8)):
                far = 1 + int(self._random.random() * WALL * 1.5)
                self._lay(side, int(self._fair) - side.sign * far + (side is Side.SELL), now_ms)
        while len(self._mine) > MAX_ORDERS:
            self._cancel(next(iter(self._mine)), now_ms)

    # -- orders ------------------------------------------------------------------------------------------------------

    def _size(self, lots: int) -> Decimal:
        return min(lots * self._lot, self._market.contract.max_market_size)

    def _lay(self, side: Side, ticks: int, now_ms: int) -> None:
        if ticks < 1:
            return
        lots = max(1, int(self._random.lognormvariate(0, 1.0) * self._lots))
        order = self._floor.street(
            self._symbol, side, Kind.LIMIT, Tif.POST_ONLY, ticks * self._tick, self._size(lots), now_ms
        )
        if not order.status.is_final:
            self._mine[order.order_id] = side, ticks

    def _cancel(self, order_id: str, now_ms: int) -> None:
        del self._mine[order_id]
        if self._market.engine.live(order_id) is not None:
            self._floor.street_cancel(self._symbol, order_id, now_ms)


def warm_up(
    floor: Floor,
    flows: Mapping[str, Flow],
    now_ms: int,
    steps: int,
    passed: Callable[[int], object] = lambda _: None,
) -> None:
    """Lays the first books and lives through some minutes before now, so that there are trades and candles.

    `passed` hears each moment once it is over. No funding is settled in them: a venue begins alike at any minute of the hour.
    """
    start_ms = now_ms - steps * WARM_UP_SPACING_MS
    floor.open_minutes(start_ms)
    for flow in flows.values():
        flow.open(start_ms)
    passed(start_ms)
    for number in range(steps):
        at_ms = start_ms + number * WARM_UP_SPACING_MS
        floor.open_minutes(at_ms)
        for flow in flows.values():
            flow.step(at_ms)
        passed(at_ms)
    for market in floor.markets.values():
        market.schedule_funding(now_ms)
