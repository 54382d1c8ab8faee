"""Holds a session against what was said of it before: its stored checkpoints, their signatures, and anchors kept elsewhere.

`state.log.verify` finds what does not agree within the log. Who can rewrite the whole log, digests and checkpoints too, makes
it agree again: only a signature or an anchor tells then. Streams; reads the blocks and the frames once.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from replay.proof.anchors import Anchor
from replay.proof.keys import PublicKey
from replay.proof.roots import FrameRoots, Point, RecordRoots, Stops
from state.errors import LogCorrupt
from state.log import Log, SessionRow
from state.log.checkpoint import Checkpoint, SignedCheckpoint, facts_of_row
from state.log.diagnosis import Deed
from state.log.reader import Reader
from state.log.verify import Finding

_OF_CONTENT = frozenset({"block", "record", "digest", "gap", "tail", *get_args(Deed)})


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks against a session, and how far what speaks for it reaches (seq; 0 for nothing)."""

    findings: tuple[Finding, ...]
    checkpoints: int
    checkpointed_seq: int
    signed_seq: int
    anchored_seq: int


def examine(
    log: Log,
    session: str,
    *,
    anchors: Sequence[Anchor] | None = None,
    key: PublicKey | None = None,
    known: Sequence[Finding] = (),
) -> Evidence:
    """`known` is what `check` has found: what it has placed exactly is not said again less exactly."""
    with log.reading() as reader:
        row = reader.session(log.find(session).id)
        stored = reader.checkpoints(row.id)
        claims = [_Claim(signed.checkpoint, "checkpoint") for signed in stored]
        claims += [_Claim(anchor.checkpoint, "anchor") for anchor in anchors or ()]
        found = [*_chain(row, stored), *_facts(row, claims), *_anchored(row, anchors)]
        signed_seq = 0
        if key is not None:
            found += _signatures(row, stored, key)
            signed_seq = _signed_seq(stored, key)
        found += _records(reader, row, claims, known)
        found += _frames(reader, row, claims, known)
    return Evidence(
        findings=tuple(_once(found)),
        checkpoints=len(stored),
        checkpointed_seq=max((signed.checkpoint.seq for signed in stored), default=0),
        signed_seq=signed_seq,
        anchored_seq=max((anchor.checkpoint.seq for anchor in anchors or ()), default=0),
    )


def examine_unopened(
    reader: Reader, row: SessionRow, *, anchors: Sequence[Anchor] | None = None, key: PublicKey | None = None
) -> Evidence:
    """The same of a session that is encrypted, without its key: what checkpoints, signatures and anchors say of each other.

    Whether the records and frames bear it out stays open.
    """
    stored = reader.checkpoints(row.id)
    claims = [_Claim(signed.checkpoint, "checkpoint") for signed in stored]
    claims += [_Claim(anchor.checkpoint, "anchor") for anchor in anchors or ()]
    found = [
        *_chain(row, stored),
        *_facts(row, claims),
        *_anchored(row, anchors),
        *_stored_as_anchored(stored, anchors),
    ]
    if key is not None:
        found += _signatures(row, stored, key)
    return Evidence(
        findings=tuple(_once(found)),
        checkpoints=len(stored),
        checkpointed_seq=max((signed.checkpoint.seq for signed in stored), default=0),
        signed_seq=0 if key is None else _signed_seq(stored, key),
        anchored_seq=max((anchor.checkpoint.seq for anchor in anchors or ()), default=0),
    )


def _stored_as_anchored(stored: Sequence[SignedCheckpoint], anchors: Sequence[Anchor] | None) -> Iterator[Finding]:
    """A checkpoint that is stored is the one that was anchored."""
    by_number = {signed.checkpoint.number: signed.checkpoint for signed in stored}
    for anchor in anchors or ():
        it = anchor.checkpoint
        if by_number.get(it.number) != it:
            yield Finding(
                max(it.seq, 1), "anchor", f"checkpoint {it.number} in the log is not the one that was anchored"
            )
            return


@dataclass(frozen=True, slots=True)
class _Claim:
    """A checkpoint, and who says so."""

    checkpoint: Checkpoint
    by: str

    @property
    def name(self) -> str:
        what = "checkpoint" if self.by == "checkpoint" else "the anchored checkpoint"
        return f"{what} {self.checkpoint.number}"


def _chain(row: SessionRow, stored: Sequence[SignedCheckpoint]) -> Iterator[Finding]:
    if not stored or stored[0].checkpoint.number != 0:
        yield Finding(1, "checkpoint", "the session's first checkpoint is missing")
    previous: Checkpoint | None = None
    for signed in stored:
        it = signed.checkpoint
        seq = 1 if previous is None else previous.seq + 1
        if previous is not None and it.number != previous.number + 1:
            yield Finding(seq, "checkpoint", f"checkpoints {previous.number + 1} to {it.number - 1} are missing")
        elif it.previous != ("" if previous is None else previous.head):
            yield Finding(seq, "checkpoint", f"checkpoint {it.number} does not follow from the one before it")
        elif previous is not None and (it.seq < previous.seq or it.frames < previous.frames):
            yield Finding(seq, "checkpoint", f"checkpoint {it.number} covers less than the one before it")
        previous = it
    if previous is not None and previous.status != "running":
        told, held = (row.status, row.closed), (previous.status, previous.closed)
        if told != held:
            text = f"the session's row says {told[0]} at {told[1]}, checkpoint {previous.number} {held[0]} at {held[1]}"
            yield Finding(max(row.last_seq, 1), "checkpoint", text)


def _facts(row: SessionRow, claims: Sequence[_Claim]) -> Iterator[Finding]:
    facts = facts_of_row(row)
    for claim in claims:
        if claim.checkpoint.facts != facts:
            text = f"manifest, parent or time of opening are not those that {claim.name} covers"
            yield Finding(1, "manifest", text)
            return


def _anchored(row: SessionRow, anchors: Sequence[Anchor] | None) -> Iterator[Finding]:
    if anchors is not None and not anchors:
        yield Finding(1, "anchor", f"nothing is anchored of session {row.id}")


def _signatures(row: SessionRow, stored: Sequence[SignedCheckpoint], key: PublicKey) -> Iterator[Finding]:
    reached = 0
    for signed in stored:
        it = signed.checkpoint
        if not signed.signature:
            continue
        if signed.key != key.name:
            yield Finding(reached + 1, "signature", f"checkpoint {it.number} is signed by {signed.key}, not {key.name}")
        elif not key.holds(it.statement(), signed.signature):
            yield Finding(reached + 1, "signature", f"the signature of checkpoint {it.number} does not hold")
        else:
            reached = it.seq
    if row.status != "running" and reached < row.last_seq:
        text = f"records {reached + 1} to {row.last_seq} are under no checkpoint that is signed"
        yield Finding(reached + 1, "signature", text)


def _signed_seq(stored: Sequence[SignedCheckpoint], key: PublicKey) -> int:
    seqs = [
        signed.checkpoint.seq
        for signed in stored
        if signed.key == key.name and key.holds(signed.checkpoint.statement(), signed.signature)
    ]
    return max(seqs, default=0)


def _records(reader: Reader, row: SessionRow, claims: Sequence[_Claim], known: Sequence[Finding]) -> Iterator[Finding]:
    """The first claim of each side that the records do not bear out; what comes after it follows from it."""
    fold = RecordRoots(row.id)
    stops = Stops([claim.checkpoint.seq for claim in claims])
    points = {0: fold.point}
    try:
        points |= {point.seq: point for point in fold.advance(reader, stops)}
    except LogCorrupt as error:
        if not known:
            yield Finding(error.seq or 1, "block", str(error))
        return
    for side in ("checkpoint", "anchor"):
        said = sorted((claim for claim in claims if claim.by == side), key=lambda claim: claim.checkpoint.seq)
        found = _first_not_borne_out(said, points, fold.seq)
        if found is not None and not _is_known(known, found[0].seq, found[1]):
            yield found[0]


def _first_not_borne_out(
    claims: Sequence[_Claim], points: Mapping[int, Point], reached: int
) -> tuple[Finding, int] | None:
    """With the last record that the claim covers; `claims` by seq."""
    good = 0
    for claim in claims:
        it = claim.checkpoint
        point = points.get(it.seq)
        if point is None:
            text = f"{claim.name} covers {it.seq} records, there are {reached}"
            return Finding(min(good, reached) + 1, "tail", text), it.seq
        if not _bears_out(point, it):
            first = min(good + 1, max(it.seq, 1))
            text = f"records {first} to {it.seq} are not those that {claim.name} covers"
            return Finding(first, "record" if claim.by == "checkpoint" else "anchor", text), it.seq
        good = it.seq
    if reached > good and claims and claims[-1].checkpoint.status != "running":
        text = f"records {good + 1} to {reached} stand behind the end that {claims[-1].name} covers"
        return Finding(good + 1, "tail", text), reached
    return None


def _bears_out(point: Point, checkpoint: Checkpoint) -> bool:
    return (point.root, point.digest) == (checkpoint.root, checkpoint.digest)


def _frames(reader: Reader, row: SessionRow, claims: Sequence[_Claim], known: Sequence[Finding]) -> Iterator[Finding]:
    if any(finding.kind == "frame" for finding in known):
        return  # placed already, frame by frame
    fold = FrameRoots(row.id)
    try:
        roots = fold.roots(reader, (claim.checkpoint.frames for claim in claims))
    except LogCorrupt as error:
        yield Finding(error.seq or 1, "frame", str(error))
        return
    for side in ("checkpoint", "anchor"):
        said = sorted((claim for claim in claims if claim.by == side), key=lambda claim: claim.checkpoint.number)
        good = 0
        for claim in said:
            it = claim.checkpoint
            if roots.get(it.frames) != it.frames_root:
                text = f"the frames up to {it.frames} are not those that {claim.name} covers; there are {fold.count}"
                yield Finding(good + 1, "frame", text)
                break
            good = it.seq
    covered = max((claim.checkpoint.frames for claim in claims), default=0)
    if fold.count > covered and any(claim.checkpoint.status != "running" for claim in claims):
        yield Finding(max(row.last_seq, 1), "frame", "there are frames behind those that the last checkpoint covers")


def _is_known(known: Sequence[Finding], first: int, last: int) -> bool:
    return any(finding.kind in _OF_CONTENT and first <= finding.seq <= max(first, last) for finding in known)


def _once(findings: Sequence[Finding]) -> list[Finding]:
    return sorted(dict.fromkeys(findings), key=lambda finding: finding.seq)
