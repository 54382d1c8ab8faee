"""The demonstration: a venue of our own in a process of its own, and the proofs afterwards in others."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Self

import msgspec

from app.config import RunConfig, StrategyConfig, VenueConfig
from app.loopback_fact import LoopbackFact
from state.errors import TapelineError
from streams.risk import RiskLimits

SYMBOLS = {"BTCUSDT": ("0.01", "0.1"), "ETHUSDT": ("0.2", "2")}  # size of a level, most to hold
# Close to the touch, so that the flow of twenty seconds fills some; slow enough for ten amends a second, as Bybit allows.
QUOTING = {
    "base_spread_bps": 0.3,
    "min_bps": 0.2,
    "volatility_factor": 0.1,
    "skew_bps": 0.5,
    "levels": 2,
    "level_spacing_bps": 0.4,
    "requote_s": 1.0,
    "tolerance_ticks": 3.0,
}
_TAPELINE = (sys.executable, "-c", "from app.cli import main; main()")
_END_S = 10.0


class ProofFact(msgspec.Struct, frozen=True):
    """One proof: what was run, in which other process, and what it said."""

    command: str
    environment: str
    clean: bool
    line: str


class LoopbackVenue:
    """`tapeline loopback bybit` in a process of its own, ended with the block."""

    def __init__(self, seed: int) -> None:
        words = [*_TAPELINE, "loopback", "bybit", "--port", "0", "--seed", str(seed), "--json"]
        for symbol in SYMBOLS:
            words += ["--symbol", symbol]
        self._process: subprocess.Popen[bytes] | None = None
        try:
            with _without_ctrl_c():
                self._process = subprocess.Popen(words, stdout=subprocess.PIPE, env=_environment())  # noqa: S603 (our own words)
            self.fact = _told(self._process)
        except BaseException:  # Ctrl-C, too: nobody else ends it now
            self._end()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end()

    def _end(self) -> None:
        process = self._process
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        assert process.stdout is not None
        process.stdout.close()


def _told(process: subprocess.Popen[bytes]) -> LoopbackFact:
    assert process.stdout is not None
    told = process.stdout.readline()
    if not told:
        raise TapelineError(f"the loopback venue did not start (exit code {process.wait(_END_S)})")
    return msgspec.json.decode(told, type=LoopbackFact)


@contextmanager
def _without_ctrl_c() -> Iterator[None]:
    """A process that begins in here never hears Ctrl-C, which a terminal says to all of ours: a session that ends by it needs
    its venue to cancel and flatten at. What was said meanwhile is heard afterwards."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def demo_config(fact: LoopbackFact, seed: int) -> RunConfig:
    """`plain` on two markets, flattened at the end."""
    os.environ["TAPELINE_BYBIT_KEY"] = fact.key
    os.environ["TAPELINE_BYBIT_SECRET"] = fact.secret
    return RunConfig(
        venues=[
            VenueConfig(
                "bybit",
                list(SYMBOLS),
                rest_url=fact.rest_url,
                public_url=fact.public_url,
                private_url=fact.private_url,
                trade_url=fact.trade_url,
            )
        ],
        strategies=[
            StrategyConfig(
                "plain",
                f"plain-{symbol}",
                {"venue": "bybit", "symbol": symbol, "size": size, "max_position": most, **QUOTING},
            )
            for symbol, (size, most) in SYMBOLS.items()
        ],
        risk=RiskLimits(max_open_orders=20, max_messages_per_s=20, price_collar_bps=200),
        seed=seed,
        stop="flatten",
    )


def prove(url: str, session: str) -> list[ProofFact]:
    """Verifies in two other processes, each under a hash seed of its own, and audits in a third."""
    return [
        _proof(url, ["replay", session, "--verify"], "1"),
        _proof(url, ["replay", session, "--verify"], "2"),
        _proof(url, ["audit", session], "3"),
    ]


def _proof(url: str, words: Sequence[str], hash_seed: str) -> ProofFact:
    done = subprocess.run(  # noqa: S603 (our own words)
        [*_TAPELINE, *words, "--log", url],
        capture_output=True,
        text=True,
        check=False,
        env=_environment() | {"PYTHONHASHSEED": hash_seed},
    )
    said = " | ".join((done.stdout or done.stderr).strip().splitlines())
    command = f"tapeline {' '.join(words)}"
    return ProofFact(
        command, f"PYTHONHASHSEED={hash_seed}", done.returncode == 0, f"{command} (hash seed {hash_seed}): {said}"
    )


def _environment() -> dict[str, str]:
    """Ours, without the keys: no proof needs them."""
    return {name: value for name, value in os.environ.items() if not name.startswith("TAPELINE_BYBIT_")}
