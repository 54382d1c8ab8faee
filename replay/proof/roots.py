"""Folds a session's bytes, as they are stored, into Merkle roots and the running digest; never decodes an event."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from state.errors import LogCorrupt
from state.log.checkpoint import frame_entry
from state.log.codec import expand, split, start_digest
from state.log.merkle import Tree
from state.log.reader import Reader
from state.log.rows import StoredBlock, StoredFrame


def parts_of(reader: Reader, session: str, last: int | None = None) -> Iterator[bytes]:
    """The canonical bytes of each record up to `last`, as they are stored; raises `LogCorrupt`."""
    for block in reader.stored_blocks(session, 1, last):
        parts = split(expand(block.body, block.codec), block.count)
        for part in parts if last is None else parts[: last + 1 - block.first_seq]:
            yield bytes(part)


@dataclass(frozen=True, slots=True)
class Point:
    """What the records 1 to `seq` fold to, in hex."""

    seq: int
    root: str
    digest: str


class Stops:
    """Where a `Point` is wanted: at every multiple of `every`, and at `seqs`."""

    def __init__(self, seqs: Sequence[int], every: int = 0) -> None:
        self._seqs = sorted(set(seqs))
        self._every = every

    def after(self, seq: int) -> int | None:
        """The next stop behind `seq`."""
        at = bisect_right(self._seqs, seq)
        said = self._seqs[at] if at < len(self._seqs) else None
        if not self._every:
            return said
        regular = seq - seq % self._every + self._every
        return regular if said is None else min(said, regular)


class RecordRoots:
    """The fold over a session's records; can be taken up again when the session has grown."""

    def __init__(self, session: str) -> None:
        self.session = session
        self.seq = 0
        self._tree = Tree()
        self._digest = start_digest(session)

    @property
    def point(self) -> Point:
        return Point(self.seq, self._tree.root().hex(), self._digest.hexdigest())

    def advance(self, reader: Reader, stops: Stops, *, trusting: bool = True) -> Iterator[Point]:
        """Goes to the session's end and yields at each stop on the way.

        Raises `LogCorrupt` where blocks cannot be opened or are missing, and, unless `trusting`, where a block's stored digest
        is not the one that is found.
        """
        stop = stops.after(self.seq)
        for block in reader.stored_blocks(self.session, self.seq + 1):
            parts = self._parts(block)
            while parts:
                here = len(parts) if stop is None else min(len(parts), stop - self.seq)
                self._take(parts[:here])
                parts = parts[here:]
                if self.seq == stop:
                    yield self.point
                    stop = stops.after(self.seq)
            if not trusting and self.seq == block.last_seq and self._digest.digest() != block.digest:
                raise LogCorrupt("the running digest does not hold here", block.first_seq)

    def _parts(self, block: StoredBlock) -> list[msgspec.Raw]:
        """The records of a block that are new here."""
        if block.first_seq > self.seq + 1:
            raise LogCorrupt(f"records {self.seq + 1} to {block.first_seq - 1} are missing", self.seq + 1)
        try:
            parts = split(expand(block.body, block.codec), block.count)
        except LogCorrupt as error:
            raise LogCorrupt(str(error), block.first_seq) from error
        return parts[self.seq + 1 - block.first_seq :]

    def _take(self, parts: list[msgspec.Raw]) -> None:
        self._tree.extend(parts)
        self._digest.update(b"".join(parts))
        self.seq += len(parts)


class FrameRoots:
    """The fold over a session's frames; can be taken up again too."""

    def __init__(self, session: str) -> None:
        self.session = session
        self._tree = Tree()

    @property
    def count(self) -> int:
        return self._tree.size

    @property
    def root(self) -> str:
        return self._tree.root().hex()

    def to_count(self, reader: Reader, count: int) -> None:
        """Takes frames until there are `count`, or no more."""
        if count > self.count:
            self._take(reader, count=count)

    def to_seq(self, reader: Reader, seq: int) -> None:
        """Takes frames up to the first that speaks of record `seq` or a later one: it may still reach further."""
        self._take(reader, seq=seq)

    def to_end(self, reader: Reader) -> None:
        """Takes all frames that there are."""
        self._take(reader)

    def roots(self, reader: Reader, counts: Iterable[int]) -> dict[int, str]:
        """Takes all frames that there are, once, and says the root at each of `counts` that is reached."""
        wanted = set(counts)
        found = {self.count: self.root}
        for frame in self._due(reader):
            self._tree.add(frame_entry(frame))
            if self.count in wanted:
                found[self.count] = self.root
        return found

    def _take(self, reader: Reader, *, count: int | None = None, seq: int | None = None) -> None:
        for frame in self._due(reader):
            if seq is not None and frame.last_seq >= seq:
                return
            self._tree.add(frame_entry(frame))
            if self.count == count:
                return

    def _due(self, reader: Reader) -> Iterator[StoredFrame]:
        """The frames behind those taken, each to be taken before the next; raises `LogCorrupt` where one is missing."""
        for frame in reader.frames(self.session, first=self.count + 1):
            if frame.id != self.count + 1:
                raise LogCorrupt(f"frame {self.count + 1} is missing", max(frame.first_seq, 1))
            yield frame
