"""The recorded intents, at their recorded times, through the paper venue: not the strategy, which would decide otherwise."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

import msgspec

from adapters.paper import PaperSettings, PaperVenue
from replay.calibration.lives import Lives
from replay.calibration.recorded import Recorded
from state.events import INTENT, PlaceOrder

# The account's own margin rules are not known: they shall not refuse what the venue took, in whatever asset that settles.
LEAST_LEVERAGE = Decimal(100)
AMPLE = Decimal(10) ** 12
_STEPS_AT_ONCE = 2_000


@dataclass(slots=True)
class Rerun:
    """What the paper venue made of it; `ahead` is others' size before an order when it was really filled."""

    lives: Lives = field(default_factory=Lives)
    ahead: dict[str, Decimal] = field(default_factory=dict)


def rerun(recorded: Recorded, settings: PaperSettings, until: int | None = None) -> Rerun:
    """Shows the paper venues every step received by `until`, and hears everything that they answer."""
    result = Rerun()
    venues: dict[str, PaperVenue] = {}
    lives, probes = result.lives, recorded.probes
    for number, record in enumerate(recorded.steps):
        recv, event = record.recv, record.event
        if until is not None and recv > until:
            break
        venue = venues.get(event.venue)
        if venue is None:
            if not event.venue:
                continue  # a signal is no market's
            venue = venues[event.venue] = _venue(recorded, event.venue, settings)
        if isinstance(event, INTENT):
            if isinstance(event, PlaceOrder):
                lives.begin(event, recv)
            venue.submit(record, recv)
        else:
            venue.observe(event, recv)
        if number in probes:
            _probe(recorded, number, venues, result)
        if number % _STEPS_AT_ONCE == 0:
            _hear(venues.values(), lives, recv)
    _hear_out(venues.values(), lives)
    return result


def _venue(recorded: Recorded, name: str, settings: PaperSettings) -> PaperVenue:
    own = msgspec.structs.replace(
        settings, asset="", balance=AMPLE, leverage=max(settings.leverage, recorded.leverage, LEAST_LEVERAGE)
    )
    return PaperVenue(name, own, "calibration", recorded.latencies.get(name, ()))


def _probe(recorded: Recorded, number: int, venues: dict[str, PaperVenue], result: Rerun) -> None:
    for life in recorded.probes[number]:
        venue = venues.get(life.venue)
        ahead = None if venue is None else venue.ahead(life.client_id)
        if ahead is not None and ahead.is_finite():
            result.ahead[life.client_id] = ahead


def _hear(venues: Iterable[PaperVenue], lives: Lives, until: int) -> None:
    for venue in venues:
        for recv, cause, events in venue.collect(until):
            for event in events:
                lives.take(event, recv, cause)


def _hear_out(venues: Iterable[PaperVenue], lives: Lives) -> None:
    """What is still on its way when nothing more happens."""
    for venue in venues:
        while (end := venue.on_its_way()) is not None:
            _hear((venue,), lives, end)
