"""Reads sealed sessions: a tape becomes a log again, in a temporary file or in any log that one likes."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, Protocol, TypeVar

import msgspec

from replay.proof.container import Section, sections
from replay.proof.locked import MAGIC as LOCKED
from replay.proof.locked import LockedReader
from state.errors import LogCorrupt
from state.log import Log, SessionRow, SessionWriter, StoredFrame
from state.log.checkpoint import SignedCheckpoint
from state.log.codec import split, unpack_as_written
from state.log.data_keys import LogKey, new_data_key
from state.log.rows import SessionStatus
from state.record import Record

SUFFIX = ".tape"

T = TypeVar("T")


class Opening(msgspec.Struct, frozen=True):
    """The session's row as it stands on the tape."""

    session: str
    status: SessionStatus
    opened: int
    closed: int | None
    parent: str
    manifest: str
    last_seq: int
    head: str


class SealedSession(Protocol):
    """A session that stands outside of a log; every method raises `LogCorrupt` on damage."""

    @property
    def encrypted(self) -> bool: ...

    def opening(self) -> Opening: ...

    def checkpoints(self) -> list[SignedCheckpoint]: ...

    def records(self) -> Iterator[list[Record]]: ...

    def frames(self) -> Iterator[StoredFrame]: ...

    def prove(self) -> None: ...


class Tape:
    """A sealed session; each method reads the file from its beginning, and raises `LogCorrupt` on damage.

    Where the tape is encrypted, `WrongUse` without its log key or once its own key has been forgotten.
    """

    def __init__(self, path: Path, key: LogKey | None = None) -> None:
        self.path = path
        self._key = key

    @property
    def encrypted(self) -> bool:
        """There is a key to it."""
        with self.path.open("rb") as file:
            return file.read(len(LOCKED)) == LOCKED

    def opening(self) -> Opening:
        """What the session was."""
        return _parse(next(iter(self._sections("OPEN"))), Opening)

    def checkpoints(self) -> list[SignedCheckpoint]:
        """Its checkpoints, by number."""
        found = _parse(next(iter(self._sections("CHKS"))), list[SignedCheckpoint])
        if not found:
            raise LogCorrupt("the tape has no checkpoint")
        return found

    def records(self) -> Iterator[list[Record]]:
        """Its records in the shape they were written in."""
        for section in self._sections("RECS"):
            content = section.content
            first, count = int.from_bytes(content[:8], "big"), int.from_bytes(content[8:12], "big")
            records = unpack_as_written(content[44 + 2 * count :], count)
            if (records[0].seq, records[-1].seq) != (first, first + count - 1):
                raise LogCorrupt("a section of the tape does not hold the records that it names", first)
            yield records

    def frames(self) -> Iterator[StoredFrame]:
        """Its frames."""
        for section in self._sections("FRMS"):
            count = int.from_bytes(section.content[:4], "big")
            for entry in split(section.content[4:], count):
                try:
                    fields = _frame(entry)
                except msgspec.DecodeError as error:
                    raise LogCorrupt(f"a frame of the tape cannot be read: {error}") from error
                yield StoredFrame(*fields, mark=0)

    def prove(self) -> None:
        """Goes through the whole file; raises `LogCorrupt` unless it is the one that was sealed."""
        for _ in self._sections():
            pass

    def _sections(self, kind: str = "") -> Iterator[Section]:
        found = False
        with self.path.open("rb") as file:
            locked = file.read(len(LOCKED)) == LOCKED
            if not locked:
                file.seek(0)
            for section in sections(LockedReader(file, self._key) if locked else file):
                if not kind or section.kind == kind:
                    found = True
                    yield section
        if kind in ("OPEN", "CHKS") and not found:
            raise LogCorrupt(f"the tape has no section {kind!r}")


_frame = msgspec.msgpack.Decoder(tuple[int, int, int, int, str, str, Literal["in", "out"], str, bool, bytes]).decode


def is_tape(word: str) -> bool:
    """True for a word that names a tape rather than a session."""
    return word.endswith(SUFFIX) and Path(word).is_file()


def log_of_tape(path: Path, key: LogKey | None = None) -> AbstractContextManager[Log]:
    """A temporary log that holds the tape's session and nothing else; raises `LogCorrupt` unless it is the one sealed."""
    return log_of(Tape(path, key))


@contextmanager
def log_of(sealed: SealedSession) -> Iterator[Log]:
    """A temporary log that holds a sealed session and nothing else; raises `LogCorrupt` unless it is the one sealed.

    What is encrypted there is encrypted here too, under a key that is nowhere but in memory.
    """
    key = LogKey(new_data_key()) if sealed.encrypted else None
    with TemporaryDirectory(prefix="tapeline-") as folder, Log.open(f"sqlite:///{folder}/log.db", key=key) as log:
        restore_session(sealed, log)
        yield log


def restore(path: Path, log: Log, key: LogKey | None = None) -> SessionRow:
    """Brings a tape's session into a log; raises `LogCorrupt` unless it is the one sealed, `WrongUse` if it is there."""
    return restore_session(Tape(path, key), log)


def restore_session(sealed: SealedSession, log: Log) -> SessionRow:
    """The same for any sealed session."""
    sealed.prove()
    opening, checkpoints = sealed.opening(), sealed.checkpoints()
    writer = log.begin(
        opening.session,
        opening.manifest,
        opening.opened,
        parent=opening.parent,
        market_frames=True,
        stall_timeout_s=600.0,
    )
    try:
        _copy(sealed, writer)
    except BaseException:
        writer.close(opening.opened, "crashed")
        raise
    ended = opening.opened if opening.closed is None else opening.closed
    head = writer.close(ended, "crashed" if opening.status == "crashed" else "closed")
    if head.hex() != opening.head:
        raise LogCorrupt("the sealed records do not give the digest that is named with them")
    first, others = checkpoints[0], checkpoints[1:]
    if log.checkpoints(opening.session)[0].checkpoint != first.checkpoint:
        raise LogCorrupt("the sealed manifest is not the one that its first checkpoint covers", 1)
    if first.signature:
        log.sign_checkpoint(first)
    log.add_checkpoints(others)
    return log.find(opening.session)


def _copy(sealed: SealedSession, writer: SessionWriter) -> None:
    """Records and frames as they came, so that each frame gets its number and its reach again."""
    frames = sealed.frames()
    ahead = next(frames, None)
    reach, frame = 0, None
    for records in sealed.records():
        for record in records:
            # A frame without records was kept behind the last record of the frame before it.
            while ahead is not None and (ahead.first_seq or reach + 1) <= record.seq:
                if ahead.first_seq:
                    frame, reach = ahead.frame, ahead.last_seq
                else:
                    writer.keep(ahead.frame)
                ahead = next(frames, None)
            writer.append(record, frame if record.seq <= reach else None)
    while ahead is not None:
        writer.keep(ahead.frame)
        ahead = next(frames, None)


def _parse(section: Section, shape: type[T]) -> T:
    try:
        return msgspec.json.decode(section.content, type=shape)
    except msgspec.DecodeError as error:
        raise LogCorrupt(f"section {section.kind!r} of the tape cannot be read: {error}") from error
