"""What sessions leave on each venue, searched for their keys: log, frames, records, exports, what is printed, what is raised.

Bybit's is searched in `test_secrets.py`. An address is no secret: of a wallet, its key is.
"""

import asyncio
import base64
import signal
import threading
import traceback
from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path
from urllib.parse import quote

import pytest

from adapters import venue as find_venue
from adapters.base.network import AiohttpTransport
from adapters.base.settings import VenueSettings
from app.cli import run
from state.clock import WallClock
from state.errors import TapelineError
from state.events import Accepted, AnyEvent
from state.log import Log
from state.record import Frame, to_json
from state.secrets import Credentials, Secret
from tests.app.test_secrets import cells
from tests.live import OWN_KEYS, PASSPHRASE, SIZES, VenueThread, config_text, keys_of

VENUES = ("binance", "okx", "hyperliquid", "dydx")
NOBODY = "7d1f0c3b5a69" + "4e2b8c" * 8 + "01"  # a key in a wallet's form that no venue knows
MALFORMED = "loopback-malformed-4tWq8ZrB1c"  # and a word that is none

FORMATS = ("jsonl", "csv", "parquet")


@cache
def needles(venue: str) -> list[bytes]:
    """The key material in the forms that it might be written in."""
    key, secret = keys_of(venue)
    words = [secret, NOBODY, MALFORMED] if venue in OWN_KEYS else [key, secret, secret[::-1], PASSPHRASE]
    spelt = [form for word in words for form in (word, quote(word), word.encode().hex())]
    forms = [form for word in spelt for form in (word.encode(), base64.b64encode(word.encode()).rstrip(b"="))]
    forms += [word[::-1].encode() for word in words] + [word.encode("utf-16-le") for word in words]
    for bare in (word.removeprefix("0x") for word in words):
        if venue in OWN_KEYS and all(letter in "0123456789abcdef" for letter in bare):
            packed = bytes.fromhex(bare)
            forms += [bare.encode(), bare.upper().encode(), packed, base64.b64encode(packed).rstrip(b"=")]
            forms += [str(int(bare, 16)).encode()]
    return sorted(set(forms))


def found_in(body: bytes, venue: str) -> list[bytes]:
    return [needle for needle in needles(venue) if needle in body]


def stop_once_it_trades(venue: VenueThread, over: threading.Event) -> None:
    """Ctrl-C, as soon as the venue has taken an order."""
    key = keys_of(venue.name)[0]
    while not over.wait(0.1):
        if venue.call(lambda there: there.truth(key).orders):
            signal.raise_signal(signal.SIGINT)
            return


def trade(venue: VenueThread, words: Sequence[str]) -> int:
    over = threading.Event()
    watching = threading.Thread(target=stop_once_it_trades, args=(venue, over))
    watching.start()
    try:
        return run(words)
    finally:
        over.set()
        watching.join(10)


def write_keys(path: Path, venue: str, secret: str = "") -> None:
    key, known = keys_of(venue)
    lines = {"key": key, "secret": secret or known} | ({} if venue in OWN_KEYS else {"passphrase": PASSPHRASE})
    path.write_text("".join(f'{name} = "{word}"\n' for name, word in lines.items()))
    path.chmod(0o600)


@pytest.mark.parametrize("name", VENUES)
def test_nothing_that_a_session_leaves_holds_its_keys(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    folder, keys, url = tmp_path / "left", tmp_path / "keys.toml", f"sqlite:///{tmp_path}/left/log.db"
    folder.mkdir()
    monkeypatch.chdir(folder)
    write_keys(keys, name)
    with VenueThread(name, seed=4, flow_per_s=40) as venue:
        Path("session.toml").write_text(config_text(venue, stop="leave", market_frames=True, key_file=str(keys)))
        assert trade(venue, ["run", "session.toml", "--for", "60s", "--log", url]) == 0
        # A secret that the venue does not know: that it refuses is recorded too, and shown as JSON.
        write_keys(keys, name, NOBODY if name in OWN_KEYS else keys_of(name)[1][::-1])
        assert run(["run", "session.toml", "--for", "2s", "--json", "--log", url]) == 2
    with Log.open(url) as log:
        traded, refusal = (row.id for row in log.sessions())
    reading = ["sessions", f"orders {traded}", f"events {traded} --json", f"events {refusal}", f"state {traded}",
               f"state {traded} --json", f"audit {traded}", f"replay {traded} --decode --json"]  # fmt: skip
    reading += [f"export {traded} --format {form} -o out.{form}" for form in FORMATS]
    for words in reading:
        assert run([*words.split(), "--log", url]) == 0, words
    shown = capfd.readouterr()
    assert len(shown.out) > 10_000
    assert '"failure":' in shown.out
    assert found_in((shown.out + shown.err).encode(), name) == []
    assert_log_is_clean(url, name, traded)
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {"log.db", *(f"out.{form}" for form in FORMATS)} <= {path.name for path in files}
    for path in files:
        assert found_in(path.read_bytes(), name) == [], path.name
    for table, body in cells(folder / "log.db"):
        assert found_in(body, name) == [], table


def assert_log_is_clean(url: str, name: str, traded: str) -> None:
    accepted = sent = 0
    with Log.open(url) as log:
        for row in log.sessions():
            assert found_in(row.manifest.encode(), name) == []
            for record in log.records(row.id):
                accepted += isinstance(record.event, Accepted) and row.id == traded
                assert found_in(to_json(record), name) == []
            for frame in log.frames(row.id):
                sent += frame.direction == "out" and row.id == traded
                assert found_in(frame.body + frame.url.encode(), name) == []
    assert accepted, "it signed orders that the venue took"
    assert sent


class Nobody:
    """An inbox that keeps what it is told, as text."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def feed(self, recv: int, events: Sequence[AnyEvent], cause: int = 0, frame: Frame | None = None) -> None:
        self.told += [*map(repr, events), repr(frame)]


class Hasty(AiohttpTransport):
    """Nobody answers, and so nobody need wait."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, 0.001))


def dissected(error: BaseException | None) -> str:
    """All that a debugger would show of it: the exception, its fields, and the same of its causes."""
    assert error is not None
    lines = traceback.format_exception(error)
    while error is not None:
        lines += [repr(error), repr(error.args), repr(vars(error))]
        error = error.__cause__ or error.__context__
    return "\n".join(lines)


async def raised(name: str, secret: str) -> str:
    """What is raised and told where the venue is not there, or the key is none."""
    key, nobody = keys_of(name)[0], Nobody()
    settings = VenueSettings(
        name,
        find_venue(name).market,
        rest_url="http://127.0.0.1:1",
        private_url="ws://127.0.0.1:1/x",
        trade_url="http://127.0.0.1:1",
    )
    keys = Credentials(Secret(key), Secret(secret), Secret("" if name in OWN_KEYS else PASSPHRASE))
    try:
        exchange = find_venue(name).exchange(settings, nobody, WallClock(), "s", keys, Hasty())
    except TapelineError as error:
        return dissected(error)
    shown = [repr(it) for it in (exchange, exchange.client, exchange.sender, exchange.private_socket(), keys, settings)]
    for ask in (
        lambda: exchange.start(()), exchange.wallet, exchange.open_orders, lambda: exchange.disconnect_cancel_all(10),
        lambda: exchange.set_leverage(next(iter(SIZES[name])), Decimal(3)),
    ):  # fmt: skip
        try:
            await ask()
        except TapelineError as error:
            shown.append(dissected(error))
    await exchange.close()
    return "\n".join([*shown, *nobody.told])


@pytest.mark.parametrize("name", VENUES)
def test_what_is_raised_holds_no_key(name: str) -> None:
    shown = asyncio.run(raised(name, keys_of(name)[1]))
    assert "ConnectionFailed" in shown
    assert "***" in shown
    assert found_in(shown.encode(), name) == []
    if name in OWN_KEYS:
        refused = asyncio.run(raised(name, MALFORMED))
        assert "WrongUse" in refused
        assert found_in(refused.encode(), name) == []


def test_the_needles_are_found_where_they_are() -> None:
    for name in VENUES:
        assert len(needles(name)) > 15
        assert found_in(b"..." + keys_of(name)[1].encode() + b"...", name)
