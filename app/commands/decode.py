"""`tapeline decode`: what recorded raw frames say, in normalized events."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

import typer

from adapters import venue as venue_of
from app.options import JsonOption, UnreadLogOption, VenueArgument
from app.output import print_lines
from app.progress import progress
from replay.decoding import Decoding, is_finding
from replay.recordings import Recording
from state.record import event_to_json

STANDARD_INPUT: Final = "-"


def decode(
    venue: VenueArgument,
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="A recording, or - for standard input.", show_default=False)
    ],
    log: UnreadLogOption = None,
    as_json: JsonOption = False,
) -> int:
    """Print normalized events, one JSON object a line whether --json is said or not; a frame that does not fit is a
    FeedStatus with the reason, and makes the exit code 1."""
    decoding = Decoding(venue_of(venue))
    findings = 0

    def lines(recording: Recording) -> Iterator[bytes]:
        nonlocal findings
        with progress("decoding", recording.size_bytes or None) as done:
            for frame in recording:
                for event in decoding.receive(frame):
                    findings += is_finding(event)
                    yield event_to_json(event)
                done(recording.position_bytes)

    with _opened(file) as recording:
        print_lines(lines(recording), live=file == STANDARD_INPUT)
    return 1 if findings else 0


def _opened(file: str) -> Recording:
    if file != STANDARD_INPUT:
        return Recording.open(Path(file))
    return Recording("standard input", open(0, "rb", closefd=False), any_text=True)
