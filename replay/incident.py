"""A stretch of a session as a fixture that stands alone: what was known before it, its records, and what they led to.

What comes from outside and looks like a secret is struck out before anything is folded, so no state holds it either. A
fixture begins where the session had settled at or before the stretch, and ends with everything that its last input led to.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import msgspec

from adapters import order_ids
from replay.bursts import bursts
from state.errors import LogCorrupt, NotRestartable, ReplayDiverged, SchemaUnknown, WrongUse
from state.events import AnyEvent, SessionOpened, is_derived
from state.log import Log
from state.log.codec import Press, expand, unpack
from state.manifest import Manifest
from state.record import Collected, Frame, Record, canonical_all, to_json
from state.shared import SharedState
from streams import checkpoint
from streams.pipeline import Pipeline
from streams.strategies.recorded import strategies_of
from streams.strategy import Running, run_strategies

VERSION: Final = 1
_STRUCK: Final = "***"
_BEFORE_ONE: Final = r"api[-_ ]?key|secret|passphrase|password|sign(?:ature)?|token|listen[-_ ]?key|authorization"
_NAMED: Final = re.compile(rf"""(?i)((?:{_BEFORE_ONE})["']?\s*[:=]\s*["']?)[^\s"',;&}}]+""")
_FREE_TEXT: Final = ("reason", "text", "why", "payload", "value", "error", "traceback", "ours", "theirs", "code")


class Incident(msgspec.Struct, frozen=True):
    """`state` and `strategies` are as of record `before`, both empty where it is 0; `records` are those after it."""

    version: int
    session: str
    manifest: str
    before: int
    first: int
    last: int
    count: int
    state: bytes
    strategies: bytes
    records: bytes

    def save(self, path: Path) -> None:
        path.write_bytes(Press().press(msgspec.msgpack.encode(self)))

    @classmethod
    def load(cls, path: Path) -> "Incident":
        """Raises `LogCorrupt` for what is no fixture, `SchemaUnknown` for another version's."""
        try:
            incident = msgspec.msgpack.decode(expand(path.read_bytes()), type=cls)
        except msgspec.DecodeError as error:
            raise LogCorrupt(f"{path.name} is no incident: {error}") from error
        if incident.version != VERSION:
            raise SchemaUnknown(f"{path.name} has version {incident.version}, not {VERSION}")
        return incident

    def recorded(self) -> list[Record]:
        """The records of the fixture, as they were concluded and received."""
        return unpack(self.records, self.count)

    def replay(self) -> "Replayed":
        """Runs the strategies of the manifest again from the state before; they may decide as then, or otherwise."""
        recorded, sink = self.recorded(), Collected()
        shared = SharedState.load(self.state) if self.state else SharedState()
        pipeline = Pipeline(sink, order_ids(self.session), shared=shared)
        strategies = strategies_of(Manifest.parse(self.manifest))
        if self.state:
            checkpoint.restore(pipeline, strategies, self.strategies)
        for burst in bursts(recorded):
            if is_derived(burst[0].event):
                continue
            pipeline.feed(burst[0].recv, [record.event for record in burst], burst[0].cause)
            if isinstance(burst[0].event, SessionOpened):
                run_strategies(pipeline, strategies)
        pipeline.advance(recorded[-1].recv)
        return Replayed(recorded, [_struck_record(record, ()) for record in sink.records], pipeline.shared)


@dataclass(frozen=True, slots=True)
class Replayed:
    """What was recorded, what is concluded now, and the state at the end."""

    recorded: list[Record]
    concluded: list[Record]
    shared: SharedState

    @property
    def difference(self) -> tuple[Record | None, Record | None] | None:
        """The first record that is not the same: as it was recorded, as it is concluded."""
        for number in range(max(len(self.recorded), len(self.concluded))):
            was, now = (side[number] if number < len(side) else None for side in (self.recorded, self.concluded))
            if was != now:
                return was, now
        return None


def capture(
    log: Log,
    session: str,
    first: int,
    last: int,
    secrets: Sequence[str] = (),
    progress: Callable[[int], None] | None = None,
) -> Incident:
    """The fixture of records `first` to `last`; `secrets` are struck out wherever they stand.

    Raises `WrongUse` for a stretch that the session has not, `ReplayDiverged` where today's code decides it otherwise.
    """
    row = log.find(session)
    if not 1 <= first <= last <= row.last_seq:
        raise WrongUse(f"session {row.id} has records 1 to {row.last_seq}; there is no stretch {first} to {last}")
    manifest = Manifest.parse(_struck(row.manifest, secrets))
    before, state, strategies = _before(log, row.id, manifest, first, secrets, progress)
    kept: list[Record] = []
    for burst in bursts(log.records(row.id, before + 1)):
        if burst[0].seq > last and not is_derived(burst[0].event):
            break
        kept += [_struck_record(record, secrets) for record in burst]
    body = canonical_all(kept)
    found = Incident(VERSION, row.id, manifest.to_json(), before, first, last, len(kept), state, strategies, body)
    difference = found.replay().difference
    if difference is not None:
        raise ReplayDiverged(f"the stretch is decided otherwise today: {_words(difference)}", first)
    return found


def write(incident: Incident, folder: Path) -> list[Path]:
    """The fixture, its records for people to read, and the test that replays it; raises `WrongUse` where they are."""
    name = f"incident_{re.sub('[^0-9a-z]', '_', incident.session.lower())}_{incident.first}"
    paths = [folder / f"{name}.bin", folder / f"{name}.jsonl", folder / f"test_{name}.py"]
    for path in paths:
        if path.exists():
            raise WrongUse(f"{path} is there already")
    folder.mkdir(parents=True, exist_ok=True)
    incident.save(paths[0])
    paths[1].write_bytes(b"".join(to_json(record) + b"\n" for record in incident.recorded()))
    paths[2].write_text(_TEST.format(name=name, session=incident.session, first=incident.first, last=incident.last))
    return paths


_TEST: Final = '''"""Records {first} to {last} of session {session}, replayed: the strategies must decide as they did."""

from pathlib import Path

from replay.incident import Incident


def test_{name}() -> None:
    incident = Incident.load(Path(__file__).with_name("{name}.bin"))
    assert incident.replay().difference is None
'''


def _before(
    log: Log,
    session: str,
    manifest: Manifest,
    first: int,
    secrets: Sequence[str],
    progress: Callable[[int], None] | None,
) -> tuple[int, bytes, bytes]:
    """Seq, state and strategies where the session had settled before `first`; 0 where its strategies cannot be written."""
    start = _begins(log, session, first)
    if start == 1:
        return 0, b"", b""
    sink = _Last()
    pipeline = Pipeline(sink, order_ids(session))
    running: list[Running] = []
    for burst in bursts(log.records(session, 1, start - 1)):
        if progress is not None:
            progress(len(burst))
        if is_derived(burst[0].event):
            continue
        pipeline.feed(burst[0].recv, [_clean(record.event, secrets) for record in burst], burst[0].cause)
        if isinstance(burst[0].event, SessionOpened):
            running = run_strategies(pipeline, strategies_of(manifest))
    if pipeline.seq > start - 1:
        raise ReplayDiverged(f"the session's strategies decide otherwise before record {start}", start)
    try:
        strategies = checkpoint.dump(running)
    except NotRestartable:
        return 0, b"", b""
    # Decisions of timers after the last input belong to the stretch: they are concluded in it again.
    return pipeline.seq, pipeline.shared.dump(), strategies


def _begins(log: Log, session: str, first: int) -> int:
    """The first record of the last burst of inputs at or before `first`."""
    begins = 1
    for burst in bursts(log.records(session, 1, first)):
        if not is_derived(burst[0].event):
            begins = burst[0].seq
    return begins


class _Last:
    def append(self, record: Record, frame: Frame | None = None) -> None:
        return


def _struck_record(record: Record, secrets: Sequence[str]) -> Record:
    return Record(record.seq, record.recv, record.cause, _clean(record.event, secrets))


def _clean(event: AnyEvent, secrets: Sequence[str]) -> AnyEvent:
    """The event without secrets in the words that others wrote."""
    changed = {}
    for name in _texts(type(event)):
        text = getattr(event, name)
        if isinstance(text, str) and (struck := _struck(text, secrets)) != text:
            changed[name] = struck
    return cast(AnyEvent, msgspec.structs.replace(cast(Any, event), **changed)) if changed else event


def _texts(kind: type[AnyEvent]) -> Iterable[str]:
    return (name for name in kind.__struct_fields__ if name in _FREE_TEXT)


def _struck(text: str, secrets: Sequence[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, _STRUCK)
    return _NAMED.sub(rf"\1{_STRUCK}", text)


def _words(difference: tuple[Record | None, Record | None]) -> str:
    was, now = (side is not None and to_json(side).decode() for side in difference)
    return f"recorded {was or 'nothing'}, concluded {now or 'nothing'}"
