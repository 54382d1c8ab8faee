"""A market that is faster than the session: quotes are pulled, the account is whole, it recovers, a replay decides the same."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from adapters import order_ids
from adapters.loopback.truth import Truth
from app.config import StrategyConfig
from app.session import LiveSession
from replay.audit import audit
from replay.verify import verify
from state.events import FeedStatus, Fill, PlaceOrder
from state.log import Log
from state.manifest import Manifest
from state.record import Record
from streams.strategies.recorded import strategies_of
from tests.live import KEY, VenueThread, record_live, tight_plain

BURNING = StrategyConfig(f"{Path(__file__).parent}/burning.py:burning", "burning")


@dataclass(frozen=True)
class Overloaded:
    session: LiveSession
    truth: Truth
    records: list[Record]
    log: Log


@pytest.fixture(scope="module")
def overloaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Overloaded]:
    url = f"sqlite:///{tmp_path_factory.mktemp('overload')}/log.db"

    def is_over(session: LiveSession) -> bool:
        """It was late, is so no longer, and quotes again."""
        shared = session.pipeline.shared
        working = "bybit" in shared.accounts and shared.accounts["bybit"].orders.working()
        return shared.connections.get(("bybit", "load")) == "ok" and bool(working)

    with VenueThread(seed=8, flow_per_s=300) as venue:
        session = record_live(url, venue, [*tight_plain(), BURNING], for_s=30, until=is_over)
        truth = venue.call(lambda v: v.truth(KEY))
    with Log.open(url) as log:
        yield Overloaded(session, truth, list(log.records(session.id)), log)


def told(records: list[Record]) -> list[tuple[int, FeedStatus]]:
    return [(record.seq, record.event) for record in records if isinstance(record.event, FeedStatus)
            and record.event.channel == "load"]  # fmt: skip


def test_it_is_said_with_counts_and_ends(overloaded: Overloaded) -> None:
    said = [event for _, event in told(overloaded.records)]
    assert [event.status for event in said[:2]] == ["stale", "ok"]
    assert "wait, the first for" in said[0].reason
    assert "frames were folded in" in said[-1].reason
    assert overloaded.session.failure is None


def test_nothing_is_quoted_from_then_on_until_it_is_over(overloaded: Overloaded) -> None:
    seqs = [seq for seq, _ in told(overloaded.records)]
    placed = [record.seq for record in overloaded.records if isinstance(record.event, PlaceOrder) and
              not record.event.reduce_only]  # fmt: skip
    assert any(seq < seqs[0] for seq in placed), "it quoted before"
    for stale, ok in zip(seqs[::2], seqs[1::2], strict=True):
        assert [seq for seq in placed if stale < seq < ok] == []
    assert any(seq > seqs[-1] for seq in placed), "and quotes again"


def test_account_events_are_all_there(overloaded: Overloaded) -> None:
    heard = [record.event.fill_id for record in overloaded.records if isinstance(record.event, Fill)]
    assert sorted(heard) == sorted(fill.exec_id for fill in overloaded.truth.fills)
    assert overloaded.truth.open_orders == {}


def test_it_replays_to_the_bit_and_audits_clean(overloaded: Overloaded) -> None:
    session = overloaded.session.id
    assert audit(overloaded.log, session).findings == ()
    manifest = Manifest.parse(overloaded.log.find(session).manifest)
    assert verify(overloaded.log, session, strategies_of(manifest), order_ids(session)).same
