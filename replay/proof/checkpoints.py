"""Makes checkpoints: reads the session from its first record, and never puts one over a log that does not hold.

It only reads blocks and frames and appends to `checkpoints`, so it may run beside the session's writer, in another process.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from replay.proof.keys import Signer
from replay.proof.roots import FrameRoots, Point, RecordRoots, Stops
from state.errors import LogCorrupt
from state.log import Log, SessionRow
from state.log.checkpoint import Checkpoint, SignedCheckpoint, facts_of_row
from state.log.reader import Reader

EVERY = 4096  # records between two checkpoints, and so how closely a forgery can be located


@dataclass(frozen=True, slots=True)
class Made:
    """What a round has added: new checkpoints, or one that was there and now is signed."""

    new: tuple[SignedCheckpoint, ...]
    last: SignedCheckpoint


class Checkpointer:
    """Follows one session; each round adds the checkpoints that are due and keeps the fold for the next round."""

    def __init__(
        self,
        log: Log,
        session: str,
        *,
        signer: Signer | None = None,
        every: int = EVERY,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        self.session = session
        self.progress = progress
        self._log = log
        self._signer = signer
        self._every = every
        self._begin()

    def _begin(self) -> None:
        self._records = RecordRoots(self.session)
        self._frames = FrameRoots(self.session)
        self._verified = 0  # how many of the stored checkpoints were found to hold

    def round(self) -> Made:
        """Stores what is due; raises `LogCorrupt` where the log is not what its checkpoints and digests say."""
        with self._log.reading() as reader:
            row, stored = reader.session(self.session), reader.checkpoints(self.session)
            new = self.due(reader, row, stored)
        signed = tuple(self._sign(checkpoint) for checkpoint in new)
        if signed:
            self._log.add_checkpoints(signed)
            self._verified += len(signed)
            return Made(signed, signed[-1])
        if self._signer is not None and not stored[-1].signature:
            again = self._sign(stored[-1].checkpoint)
            self._log.sign_checkpoint(again)
            return Made((again,), again)
        return Made((), stored[-1])

    def due(self, reader: Reader, row: SessionRow, stored: Sequence[SignedCheckpoint]) -> list[Checkpoint]:
        """The checkpoints that are missing up to the session's end, after proving those that are there."""
        known = [signed.checkpoint for signed in stored]
        _check_chain(row, known)
        if self._verified < len(known) and self._verified and known[self._verified].seq <= self._records.seq:
            self._begin()  # somebody else has made checkpoints where this fold has passed already
        known = known[self._verified :]
        last = stored[-1].checkpoint
        points = {self._records.seq: self._records.point}
        stops = Stops([checkpoint.seq for checkpoint in known], self._every)
        for point in self._records.advance(reader, stops, trusting=False):
            points[point.seq] = point
            if self.progress is not None:
                self.progress(point.seq)
        points[self._records.seq] = self._records.point
        for checkpoint in known:
            self._prove(reader, checkpoint, points)
        self._verified += len(known)
        ended = row.status != "running"
        if ended and self._records.point.digest != row.head:
            raise LogCorrupt("the session's row has another digest than its records", self._records.seq)
        seqs = [seq for seq in sorted(points) if seq > last.seq]
        if not seqs and ended and last.status == "running":
            seqs = [last.seq]
        return self._chain(reader, row, last, [points[seq] for seq in seqs])

    def _chain(self, reader: Reader, row: SessionRow, last: Checkpoint, points: list[Point]) -> list[Checkpoint]:
        made: list[Checkpoint] = []
        for point in points:
            ends = row.status != "running" and point is points[-1]
            if ends:
                self._frames.to_end(reader)
            else:
                self._frames.to_seq(reader, point.seq)
            last = Checkpoint(
                session=row.id,
                number=last.number + 1,
                seq=point.seq,
                root=point.root,
                digest=point.digest,
                frames=self._frames.count,
                frames_root=self._frames.root,
                facts=facts_of_row(row),
                status=row.status if ends else "running",
                closed=row.closed if ends else None,
                previous=last.head,
            )
            made.append(last)
        return made

    def _prove(self, reader: Reader, checkpoint: Checkpoint, points: dict[int, Point]) -> None:
        point = points.get(checkpoint.seq)
        if point is None or (point.root, point.digest) != (checkpoint.root, checkpoint.digest):
            raise LogCorrupt(f"the records are not those that checkpoint {checkpoint.number} covers", checkpoint.seq)
        self._frames.to_count(reader, checkpoint.frames)
        if (self._frames.count, self._frames.root) != (checkpoint.frames, checkpoint.frames_root):
            raise LogCorrupt(f"the frames are not those that checkpoint {checkpoint.number} covers", checkpoint.seq)

    def _sign(self, checkpoint: Checkpoint) -> SignedCheckpoint:
        if self._signer is None:
            return SignedCheckpoint(checkpoint)
        return SignedCheckpoint(checkpoint, self._signer.name, self._signer.sign(checkpoint.statement()))


def _check_chain(row: SessionRow, known: Sequence[Checkpoint]) -> None:
    """Raises `LogCorrupt` unless the stored checkpoints are a chain that begins with this session's opening."""
    if not known:
        raise LogCorrupt(f"session {row.id} has no first checkpoint", 1)
    previous = ""
    for number, checkpoint in enumerate(known):
        if (checkpoint.number, checkpoint.previous) != (number, previous):
            raise LogCorrupt(f"checkpoint {number} of session {row.id} does not follow from the one before", 1)
        if checkpoint.facts != facts_of_row(row):
            raise LogCorrupt(f"the manifest of session {row.id} is not the one that it was opened with", 1)
        previous = checkpoint.head


def checkpoint(
    log: Log,
    session: str,
    *,
    signer: Signer | None = None,
    every: int = EVERY,
    progress: Callable[[int], None] | None = None,
) -> Made:
    """One round over a session as it is now; its cost is reading it through once. `progress` is told the seqs reached."""
    return Checkpointer(log, session, signer=signer, every=every, progress=progress).round()
