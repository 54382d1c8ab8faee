"""`tapeline replay --decode`: what the raw frames of a session say now, against what was recorded of them."""

from collections.abc import Callable, Iterator

import msgspec

from app.output import print_json, print_lines, printable
from replay.redecode import FrameDifference, Redecoded, redecode
from state.events import AnyEvent
from state.log import Log
from state.record import event_to_json

CLEAN, FINDINGS = 0, 1
_SHOWN = 5
_EXCERPT = 400  # characters of a frame


class DifferenceFact(msgspec.Struct, frozen=True):
    """One frame that is read otherwise now; its events as JSON."""

    frame: int
    seq: int
    channel: str
    body: str
    recorded: list[msgspec.Raw]
    decoded: list[msgspec.Raw]


class RedecodedFact(msgspec.Struct, frozen=True):
    """What `replay --decode --json` prints."""

    session: str
    same: bool
    frames: int
    judged: int
    answers: int
    events: int
    without_frame: int
    differences: list[DifferenceFact]


def decode_again(log: Log, session: str, count: Callable[[int], None], *, as_json: bool) -> int:
    """Prints the verdict; 1 where any frame is read otherwise."""
    found = redecode(log, session, count)
    if as_json:
        print_json(_fact(found))
    else:
        print_lines(_lines(found))
    return CLEAN if found.same else FINDINGS


def _fact(found: Redecoded) -> RedecodedFact:
    differences = [
        DifferenceFact(
            each.frame,
            each.seq,
            each.channel,
            each.body.decode(errors="replace"),
            _jsons(each.recorded),
            _jsons(each.decoded),
        )
        for each in found.differences
    ]
    return RedecodedFact(
        found.session,
        found.same,
        found.frames,
        found.judged,
        found.answers,
        found.events,
        found.without_frame,
        differences,
    )


def _jsons(events: tuple[AnyEvent, ...]) -> list[msgspec.Raw]:
    return [msgspec.Raw(event_to_json(event)) for event in events]


def _lines(found: Redecoded) -> Iterator[bytes]:
    verdict = "the same events" if found.same else f"{len(found.differences)} frames say something else"
    yield (
        f"session {found.session}: {verdict}: {found.judged} frames decoded again, {found.events} events; "
        f"{found.answers} answers to requests not judged, {found.without_frame} records without a frame"
    ).encode()
    for each in found.differences[:_SHOWN]:
        yield from _difference(each)


def _difference(each: FrameDifference) -> Iterator[bytes]:
    yield f"frame {each.frame} of {each.channel}, record {each.seq or 'none'}".encode()
    yield b"frame:     " + printable(each.body[:_EXCERPT].decode(errors="replace")).encode()
    yield b"recorded:  " + (b" ".join(map(event_to_json, each.recorded)) or b"nothing")
    yield b"decoded:   " + (b" ".join(map(event_to_json, each.decoded)) or b"nothing")
