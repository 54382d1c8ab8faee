"""Strategies in the shadow of a live session: they hear its market, and a paper account fills what they would have sent.

Each is a simulation as time goes by, recorded as a session of its own whose parent is the live one: nothing of it can reach a
venue, and it is verified, audited and asked like any other. What goes wrong here ends the shadow and nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from adapters import order_ids
from adapters.paper import PaperSettings
from replay.bursts import is_market
from replay.simulate import Simulation
from state.commands import FIELDS
from state.errors import LogError
from state.events import AnyEvent, Command
from state.log import Log, SessionWriter
from state.manifest import Manifest, StrategyEntry
from streams.strategies.recorded import strategies_of
from streams.strategy import Running, Strategy

SOURCE = "shadow"
_ENDS = frozenset({*FIELDS, "halt", "halt_and_leave"})  # words about the live session's own orders


@dataclass(frozen=True, slots=True)
class ShadowPlan:
    """One strategy in the shadow."""

    name: str
    manifest: Manifest
    strategies: tuple[Strategy, ...]
    paper: PaperSettings


def shadow_plan(live: Manifest, known: StrategyEntry, paper: PaperSettings) -> ShadowPlan:
    """Raises `ConfigurationError` where there is no such strategy."""
    manifest = msgspec.structs.replace(
        live, strategies=[known], paper=msgspec.Raw(msgspec.json.encode(paper)), source=SOURCE
    )
    return ShadowPlan(known.name, manifest, tuple(strategies_of(manifest)), paper)


def begin_shadow(log: Log, plan: ShadowPlan, session: str, parent: str, opened: int) -> "Shadow":
    """Opens its session in the log."""
    writer = log.begin(session, plan.manifest.to_json(), opened, parent=parent)
    simulation = Simulation(
        writer,
        order_ids(session),
        plan.strategies,
        plan.paper,
        session=session,
        seed=plan.manifest.seed,
        parent=parent,
    )
    return Shadow(plan.name, session, writer, simulation)


class Shadow:
    """One strategy that runs in the shadow."""

    def __init__(self, name: str, session: str, writer: SessionWriter, simulation: Simulation) -> None:
        self.name = name
        self.session = session
        self.broke: str | None = None  # what ended the shadow itself
        self._writer = writer
        self._simulation = simulation
        self._is_over = False

    @property
    def running(self) -> Sequence[Running]:
        return self._simulation.running

    @property
    def failure(self) -> str | None:
        """Why it ended before its time, or its strategy did."""
        return self.broke or next((f"{one.name}: {one.error}" for one in self.running if one.error is not None), None)

    def hear(self, recv: int, events: Sequence[AnyEvent]) -> None:
        """What the live session was fed: the market, and words to strategies."""
        if self._is_over:
            return
        try:
            self._simulation.hear(recv, [event for event in events if is_market(event)])
            for event in events:
                if type(event) is Command and event.name not in _ENDS:
                    self._simulation.told(recv, event)
        except Exception as error:  # noqa: BLE001 (the live session must not suffer)
            self._fail(error)

    def make_durable(self) -> None:
        """To be called now and then."""
        if self._is_over:
            return
        try:
            self._writer.commit(_committed)
        except LogError as error:
            self._fail(error)

    def end(self, recv: int) -> None:
        """The live session is over."""
        if self._is_over:
            return
        try:
            simulated = self._simulation.end(recv)
            self._is_over = True
            self._writer.close(simulated.last_recv)
        except Exception as error:  # noqa: BLE001
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        self.broke = f"{type(error).__name__}: {error}"
        self._is_over = True
        try:
            self._writer.close(0, "crashed")
        except LogError as closing:
            self.broke += f"; {closing}"


def _committed(_seq: int) -> None:
    """Nobody waits for it."""
