"""Seeded Bybit frames for machines without recordings: three symbols, 50 levels a side, books and trades about 7 : 3."""

import json
from random import Random
from uuid import UUID

LEVELS = 50
BOOK_SHARE = 0.7


class Market:
    """One symbol's book on its tick grid, stepped frame by frame."""

    def __init__(self, rng: Random, symbol: str, price: float, tick: float, decimals: tuple[int, int], scale: float):
        self.rng, self.symbol, self.tick, self.scale = rng, symbol, tick, scale
        self.price_decimals, self.size_decimals = decimals
        middle = round(price / tick)
        self.sides: list[dict[int, float]] = [
            {middle - level: self.size() for level in range(LEVELS)},
            {middle + 1 + level: self.size() for level in range(LEVELS)},
        ]
        self.update_id = rng.randint(10_000_000, 20_000_000)

    def size(self) -> float:
        least: float = 10**-self.size_decimals
        return max(least, round(self.rng.lognormvariate(0.0, 1.4) * self.scale, self.size_decimals))

    def best(self, side: int) -> int:
        return max(self.sides[0]) if side == 0 else min(self.sides[1])

    def step(self) -> list[dict[int, float]]:
        """Changes a few levels near the touch; returns what changed a side (size 0: gone)."""
        rng = self.rng
        before = [dict(side) for side in self.sides]
        if rng.random() < 0.14:
            self._move(up=rng.random() < 0.5)
        for _ in range(min(48, max(1, int(rng.lognormvariate(1.9, 0.75))))):
            side = rng.randrange(2)
            away = min(int(rng.expovariate(1 / 11)), LEVELS - 1)
            tick = self.best(side) + (away if side else -away)
            if away and rng.random() < 0.12:
                self.sides[side].pop(tick, None)
            else:
                self.sides[side][tick] = self.size()
        for side, step in ((0, -1), (1, 1)):
            self._trim(side, step)
        self.update_id += 1
        return [_changes(old, new) for old, new in zip(before, self.sides, strict=True)]

    def _move(self, *, up: bool) -> None:
        gone, side = (1, 0) if up else (0, 1)
        self.sides[gone].pop(self.best(gone))
        self.sides[side].setdefault(self.best(gone) + (-1 if up else 1), self.size())

    def _trim(self, side: int, step: int) -> None:
        levels = self.sides[side]
        edge = (min if side == 0 else max)(levels)
        while len(levels) > LEVELS:
            del levels[edge]
            edge = (min if side == 0 else max)(levels)
        while len(levels) < LEVELS:
            edge += step
            levels[edge] = self.size()

    def rows(self, levels: dict[int, float]) -> list[list[str]]:
        return [[self.price(tick), f"{size:.{self.size_decimals}f}" if size else "0"] for tick, size in levels.items()]

    def price(self, tick: int) -> str:
        return f"{tick * self.tick:.{self.price_decimals}f}"


def generated_frames(count: int, seed: int) -> list[bytes]:
    """The same bytes for the same seed: snapshots first, then deltas and trades."""
    rng = Random(seed)
    markets = [
        Market(rng, "BTCUSDT", 61_234.5, 0.1, (2, 3), 0.6),
        Market(rng, "ETHUSDT", 2_345.67, 0.01, (2, 2), 12.0),
        Market(rng, "SOLUSDT", 145.32, 0.01, (3, 1), 150.0),
    ]
    ts = 1_767_225_600_000
    frames = [_book(market, "snapshot", market.sides, ts) for market in markets]
    while len(frames) < count:
        ts += rng.randint(1, 12)
        market = rng.choices(markets, (5, 3, 2))[0]
        if rng.random() < BOOK_SHARE:
            frames.append(_book(market, "delta", market.step(), ts))
        else:
            frames.append(_trades(market, ts))
    return frames


def _changes(old: dict[int, float], new: dict[int, float]) -> dict[int, float]:
    changed = {tick: size for tick, size in new.items() if old.get(tick) != size}
    changed.update((tick, 0.0) for tick in old if tick not in new)
    return changed


def _book(market: Market, kind: str, sides: list[dict[int, float]], ts: int) -> bytes:
    said = {
        "s": market.symbol,
        "b": market.rows(sides[0]),
        "a": market.rows(sides[1]),
        "u": market.update_id,
        "seq": market.update_id * 3,
    }
    return _text({"topic": f"orderbook.50.{market.symbol}", "type": kind, "ts": ts, "data": said, "cts": ts - 3})


def _trades(market: Market, ts: int) -> bytes:
    rng = market.rng
    side = rng.randrange(2)
    rows: list[dict[str, object]] = []
    while not rows or (rng.random() < 0.38 and len(rows) < 40):
        row = {"T": ts - 2, "s": market.symbol, "S": ("Sell", "Buy")[side], "v": f"{market.size():.3f}"}
        row |= {"p": market.price(market.best(side)), "L": "PlusTick", "i": str(UUID(int=rng.getrandbits(128)))}
        rows.append(row | {"BT": False, "RPI": False})
    return _text({"topic": f"publicTrade.{market.symbol}", "type": "snapshot", "ts": ts, "data": rows})


def _text(message: dict[str, object]) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode()
