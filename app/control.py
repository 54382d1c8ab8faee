"""A word to a running session from another process: a socket file of one's own user, one JSON object a line.

A session opens its socket when it starts and removes it at its end. What is said becomes a recorded `Command`, or the
session's stop. Only processes of the same user on the same machine can reach it: the folder is theirs alone.
"""

import asyncio
import os
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec

from adapters.base.settings import ShutdownReport
from app.config import StopPolicy
from app.session import LiveSession
from app.steering import check_word
from state.errors import TapelineError, WrongUse

LONGEST_WORD = 64 * 1024
LONGEST_PATH = 103  # of a socket, on the least of the systems


class Stop(msgspec.Struct, frozen=True, tag="stop", forbid_unknown_fields=True):
    """End in order, by this policy (the configuration's where it is left out)."""

    policy: StopPolicy | None = None
    reason: str = "at a person's word"


class Tell(msgspec.Struct, frozen=True, tag="tell", forbid_unknown_fields=True):
    """A command for the log and whoever listens to it: its name, its payload, and whom it is about."""

    name: str
    payload: str = ""
    venue: str = ""
    symbol: str = ""


class Heard(msgspec.Struct, frozen=True):
    """The answer: the command's place in the log, or why it was refused."""

    seq: int | None = None
    refused: str | None = None


class Ended(msgspec.Struct, frozen=True):
    """Said to whoever asked for the stop, when it is over."""

    session: str
    failure: str | None
    reports: list[ShutdownReport]


Word = Stop | Tell


def socket_path(session: str) -> Path:
    """Where a session listens: in a folder that only its user can enter."""
    base = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    return Path(base) / f"tapeline-{os.getuid()}" / f"{session}.sock"


def prepare_socket(session: str) -> Path:
    """The path with its folder made; raises `WrongUse` where the folder is somebody else's or the path is too long."""
    path = socket_path(session)
    if len(os.fsencode(path)) > LONGEST_PATH:
        raise WrongUse(f"{path} is too long for a socket: set XDG_RUNTIME_DIR to a shorter folder")
    path.parent.mkdir(mode=0o700, exist_ok=True)
    found = path.parent.stat()
    if found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise WrongUse(f"{path.parent} must belong to you alone: remove it, or chmod 700 it")
    return path


@asynccontextmanager
async def listening(session: LiveSession, path: Path) -> AsyncIterator[None]:
    """Hears words while the body runs, and tells whoever asked for the stop how it went when the body is over."""
    door = _Door(session)
    server = await asyncio.start_unix_server(door.enter, path=path, limit=LONGEST_WORD)
    try:
        yield
    finally:
        server.close()
        _remove(path)
        await door.close()


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


class _Door:
    """Whoever is connected."""

    def __init__(self, session: LiveSession) -> None:
        self._session = session
        self._waiting: list[asyncio.StreamWriter] = []

    async def enter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        keep = False
        try:
            line = await reader.readline()
            word = msgspec.json.decode(line, type=Word)
            keep = isinstance(word, Stop)
            answer = self._stop(word) if isinstance(word, Stop) else self._tell(word)
        except (ValueError, msgspec.DecodeError, TapelineError) as error:
            answer = Heard(refused=str(error))
        except ConnectionError:
            writer.close()
            return
        writer.write(msgspec.json.encode(answer) + b"\n")
        if keep:
            self._waiting.append(writer)
        else:
            writer.close()

    def _stop(self, word: Stop) -> Heard:
        self._session.request_stop(word.policy, word.reason)
        return Heard()

    def _tell(self, word: Tell) -> Heard:
        check_word(self._session, word.name, word.payload, word.venue)
        return Heard(seq=self._session.told(word.name, word.payload, word.venue, word.symbol))

    async def close(self) -> None:
        """The session is over: those who asked for it hear how it went."""
        failure = self._session.failure
        ended = Ended(self._session.id, None if failure is None else str(failure), self._session.reports)
        for writer in self._waiting:
            with suppress(ConnectionError):  # whoever asked did not stay to hear it
                writer.write(msgspec.json.encode(ended) + b"\n")
                await writer.drain()
                writer.close()


def say(session: str, word: Word, timeout_s: float) -> tuple[Heard, Ended | None]:
    """Says a word from another process; for a stop it waits until the session has ended.

    Raises `WrongUse` where no such session listens on this machine, or it does not answer in time.
    """
    path = socket_path(session)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.settimeout(timeout_s)
            line.connect(str(path))
            line.sendall(msgspec.json.encode(word) + b"\n")
            with line.makefile("rb") as answers:
                heard = msgspec.json.decode(answers.readline(), type=Heard)
                ended = answers.readline() if isinstance(word, Stop) and heard.refused is None else b""
    except (FileNotFoundError, ConnectionRefusedError):
        raise WrongUse(f"session {session} does not run here: nothing listens at {path}") from None
    except TimeoutError:
        raise WrongUse(f"session {session} did not answer within {timeout_s:g} s; it may still be stopping") from None
    except msgspec.DecodeError:
        raise WrongUse(f"session {session} went away before it answered") from None
    return heard, msgspec.json.decode(ended, type=Ended) if ended else None
