"""A live session in this process against a loopback venue on a thread of its own: real sockets and signatures, no mocks."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from types import TracebackType
from typing import Any, Self, TypeVar

import msgspec
import pytest

from adapters.base.settings import MarketChannel
from adapters.loopback import LOOPBACKS, Account, LoopbackVenue
from app.config import RunConfig, StopPolicy, StrategyConfig, VenueConfig
from app.running import plan, run
from app.session import LiveSession
from state.log import Log
from streams.risk import RiskLimits

T = TypeVar("T")

KEY, SECRET = "loopback-key-J7Qm2xVt", "loopback-secret-9fKw3LrZ8pYd"
PASSPHRASE = "loopback-passphrase-5hTz8Qw"
SIZES = {  # of a level, and most to hold, in each venue's own two markets
    "bybit": {"BTCUSDT": ("0.02", "0.2"), "ETHUSDT": ("0.5", "5")},
    "binance": {"BTCUSDT": ("0.02", "0.2"), "ETHUSDT": ("0.5", "5")},
    "dydx": {"BTC-USD": ("0.02", "0.2"), "ETH-USD": ("0.5", "5")},
    "hyperliquid": {"BTC": ("0.02", "0.2"), "ETH": ("0.5", "5")},
    "okx": {"BTC-USDT-SWAP": ("0.02", "0.2"), "ETH-USDT-SWAP": ("0.5", "5")},
}
OWN_KEYS = {"dydx", "hyperliquid"}  # whose keys have a form of their own: there the customer of the listing trades
SYMBOLS = tuple(SIZES["bybit"])


def keys_of(name: str) -> tuple[str, str]:
    """Key and secret of who trades at a venue."""
    customer = LOOPBACKS[name].customer
    return (customer.key, customer.secret) if name in OWN_KEYS else (KEY, SECRET)


class VenueThread:
    """The venue and its event loop in a thread of their own; everything that touches it goes through `call`."""

    def __init__(self, name: str = "bybit", *, seed: int = 3, flow_per_s: float = 120.0) -> None:
        account = Account(*keys_of(name), Decimal(1_000_000), passphrase=PASSPHRASE)
        self.name = name
        self.symbols = tuple(SIZES[name])
        self.venue: LoopbackVenue = LOOPBACKS[name].opens(
            symbols=self.symbols, seed=seed, accounts=[account], flow_per_s=flow_per_s
        )
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="loopback")

    def call(self, function: Callable[[Any], T]) -> T:
        async def within() -> T:
            return function(self.venue)

        return asyncio.run_coroutine_threadsafe(within(), self._loop).result(60)

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.venue.start(), self._loop).result(60)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _stop(self) -> None:
        await self.venue.stop()
        for _ in range(5):  # a transport that was aborted closes its socket in the loop's next turns
            await asyncio.sleep(0)

    def line(self, **more: Any) -> VenueConfig:
        """Where the venue is, as a configuration says it; `more` are other fields of it."""
        return VenueConfig(
            self.name,
            list(self.symbols),
            rest_url=self.venue.rest_url,
            public_url=self.venue.public_url,
            private_url=self.venue.private_url,
            trade_url=self.venue.trade_url,
            **more,
        )


def tight_plain(venue: str = "bybit") -> list[StrategyConfig]:
    """`plain` on both markets, tight enough to be hit within seconds."""
    return [
        StrategyConfig("plain", f"plain-{symbol}", plain_params(symbol) | {"venue": venue}) for symbol in SIZES[venue]
    ]


def plain_params(symbol: str) -> dict[str, object]:
    size, most = next(sizes[symbol] for sizes in SIZES.values() if symbol in sizes)
    return {
        "venue": "bybit", "symbol": symbol, "size": size, "max_position": most, "levels": 2, "level_spacing_bps": 0.5,
        "base_spread_bps": 0.3, "volatility_factor": 0.1, "min_bps": 0.1, "skew_bps": 0.5, "requote_s": 0.1,
    }  # fmt: skip


def record_live(
    url: str,
    venue: VenueThread,
    strategies: Sequence[StrategyConfig],
    *,
    for_s: float,
    stop: StopPolicy = "flatten",
    market_frames: bool = False,
    snapshot_every: int = 50_000,
    until: Callable[[LiveSession], bool] | None = None,
    channels: tuple[MarketChannel, ...] = ("book", "trades", "ticker"),
) -> LiveSession:
    """Runs a session for `for_s`, or as long as it takes `until` to hold, and returns it ended."""
    config = RunConfig(
        [venue.line(market_frames=market_frames, channels=channels)],
        list(strategies),
        RiskLimits(max_open_orders=20, max_messages_per_s=50, price_collar_bps=500),
        stop=stop,
        snapshot_every=snapshot_every,
    )
    return record(url, config, for_s=for_s, until=until)


def record(
    url: str, config: RunConfig, *, for_s: float, until: Callable[[LiveSession], bool] | None = None
) -> LiveSession:
    """A session of any venues, with the loopback's key for each; ended, after `for_s` or as soon as `until` holds."""
    with pytest.MonkeyPatch.context() as patch:
        for line in config.venues:
            for word, key in zip(("KEY", "SECRET"), keys_of(line.name), strict=True):
                patch.setenv(f"TAPELINE_{line.name.upper()}_{word}", key)
            if line.name not in OWN_KEYS:
                patch.setenv(f"TAPELINE_{line.name.upper()}_PASSPHRASE", PASSPHRASE)
        planned = plan(config)

        @asynccontextmanager
        async def watched(session: LiveSession) -> AsyncIterator[None]:
            watching = asyncio.create_task(_stop_when(session, until)) if until is not None else None
            try:
                yield
            finally:
                if watching is not None:
                    watching.cancel()

        with Log.open(url) as log:
            return asyncio.run(run(planned, log, for_s=for_s, around=watched))


async def _stop_when(session: LiveSession, holds: Callable[[LiveSession], bool]) -> None:
    while not holds(session):  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    session.request_stop()


def config_text(
    venue: VenueThread,
    *,
    stop: StopPolicy = "cancel",
    strategies: Sequence[StrategyConfig] | None = None,
    **more: object,
) -> str:
    """The configuration file of a session there; `more` goes into the venue's table."""
    fields = msgspec.to_builtins(venue.line(**more), str_keys=True)
    lines = [f'stop = "{stop}"', "[[venues]]", *_toml(fields)]
    for strategy in tight_plain(venue.name) if strategies is None else strategies:
        lines += ["[[strategies]]", f'strategy = "{strategy.strategy}"', f'name = "{strategy.name}"']
        lines += ["[strategies.params]", *_toml(strategy.params)]
    return "\n".join(lines) + "\n"


def _toml(fields: dict[str, object]) -> list[str]:
    """JSON's words, numbers and lists are TOML's too."""
    return [f"{name} = {json.dumps(value)}" for name, value in fields.items() if value not in ("", None, [], {})]
