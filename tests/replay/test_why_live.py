"""A real session on a loopback venue, asked about afterwards: every order reaches its root, the books close, the views agree."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from adapters import order_ids
from app.commands.orders import folded_orders
from app.session import LiveSession
from replay.books.close import close_books
from replay.quality.report import measure
from replay.rebuild import rebuild
from replay.why.traced import Traced, trace
from replay.why.tree import Why
from state.events import MARKET, AmendOrder, CancelOrder, Fill, PlaceOrder
from state.log import Log, SessionRow
from state.manifest import Manifest
from streams.strategies.recorded import strategies_of
from tests.live import KEY, VenueThread, record_live, tight_plain

FILLS = 4


def has_traded(session: LiveSession) -> bool:
    positions = session.pipeline.shared.account("bybit").ledger.positions.values()
    return sum(position.fills for position in positions) >= FILLS


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A log with one live session, and what the venue itself knows of it."""
    found = f"sqlite:///{tmp_path_factory.mktemp('live')}/log.db"
    with VenueThread() as venue:
        ended = record_live(found, venue, tight_plain(), for_s=90, market_frames=True, until=has_traded)
        assert ended.failure is None
        truth = venue.call(lambda it: it.truth(KEY))
        TRUTH["wallet"], TRUTH["fills"] = truth.wallet, {it.exec_id for it in truth.fills if it.kind == "trade"}
    return found


TRUTH: dict[str, object] = {}


@pytest.fixture
def log(url: str) -> Iterator[Log]:
    with Log.open(url, create=False) as opened:
        yield opened


@pytest.fixture(scope="module")
def traced(url: str) -> Traced:
    with Log.open(url, create=False) as log:
        row = log.find("last")
        wanted = {
            line.seq for line in log.journal(row.id, types=("PlaceOrder", "AmendOrder", "CancelOrder", "Blocked"))
        }
        return trace(log, row.id, strategies_of(Manifest.parse(row.manifest)), order_ids(row.id), wanted=wanted)


def _row(log: Log) -> SessionRow:
    return log.find("last")


def test_every_order_and_fill_reaches_a_market_event_or_a_person(log: Log, traced: Traced) -> None:
    row = _row(log)
    why = Why(log, row, traced.at_decision)
    roots = {}
    for line in log.journal(row.id, types=("PlaceOrder", "Fill")):
        answer = why.explain(str(line.seq), why.find(f"seq:{line.seq}"))
        strategy = line.strategy or ""
        roots[line.seq] = (answer.root.kind, line.type, strategy)
        assert answer.root.kind in ("market", "command"), (line.seq, answer.root)
        if answer.root.kind == "market":
            found = next(log.records(row.id, answer.root.seq, answer.root.seq))
            assert isinstance(found.event, MARKET)
            assert found.seq < line.seq
    kinds = {kind for kind, _, _ in roots.values()}
    assert "market" in kinds
    assert all(kind == "market" for kind, type_, strategy in roots.values() if strategy.startswith("plain"))


def test_every_decision_of_a_strategy_has_its_operators_values(log: Log, traced: Traced) -> None:
    decided = [
        record for record in log.records(_row(log).id)
        if isinstance(record.event, PlaceOrder | AmendOrder | CancelOrder) and record.event.strategy.startswith("plain")
    ]  # fmt: skip
    assert decided
    for record in decided:
        heard = {stage.operator: stage for stage in traced.at_decision[record.seq]}
        assert any(name.startswith("to_intents ") and it.count for name, it in heard.items())
        assert {"microprice", "ema", "utilisation", "combine_every", "map quotes"} <= set(heard)


def test_the_value_that_an_operator_had_is_that_of_the_rebuilt_book(log: Log, traced: Traced) -> None:
    row = _row(log)
    for seq in sorted(traced.at_decision)[:10]:
        stage = next(it for it in traced.at_decision[seq] if it.operator == "microprice")
        record = next(log.records(row.id, stage.seq, stage.seq))
        market = rebuild(log, row.id, stage.seq).market(record.event.venue, record.event.symbol)
        assert market.book.microprice == stage.value


def test_a_fill_has_the_frames_that_the_venue_sent_and_was_sent(log: Log, traced: Traced) -> None:
    row = _row(log)
    why = Why(log, row, traced.at_decision)
    fills = [record for record in log.records(row.id) if isinstance(record.event, Fill)]
    assert len(fills) >= FILLS
    for record in fills:
        event = record.event
        assert isinstance(event, Fill)
        tree = why.explain(event.fill_id, why.find(f"fill:{event.fill_id}")).tree
        assert tree.frame is not None
        assert event.fill_id in tree.frame.body
        intents = [child for child in tree.children if child.what == "intent"]
        assert intents
        for intent in intents:
            assert intent.sent is not None
            assert event.client_id is not None
            assert event.client_id in intent.sent.body
            assert "***" in intent.sent.body or "sign" not in intent.sent.body


def test_the_books_of_a_real_session_close_to_zero(log: Log) -> None:
    books = close_books(log, _row(log).id)
    assert books.findings == []
    assert {line.residual for line in (*books.markets, *books.assets)} == {0}
    [asset] = books.assets
    told = round(TRUTH["wallet"], 8)  # a taker's fee may have more places than the venue tells
    assert asset.closing + asset.rounding == told


def test_every_fill_of_the_venue_is_in_the_views_and_orders_agree(log: Log, url: str) -> None:
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        orders = connection.execute(sa.text("SELECT client_id, status, filled FROM orders ORDER BY placed_seq")).all()
        fills = connection.execute(sa.text("SELECT fill_id FROM fills")).scalars().all()
        residuals = connection.execute(sa.text("SELECT size - reported FROM positions")).scalars().all()
    engine.dispose()
    assert set(fills) == TRUTH["fills"]
    assert all(abs(residual) < 1e-9 for residual in residuals)
    folded = [it for it in folded_orders(log, _row(log)) if it.placed_seq]
    assert [(row.client_id, row.status) for row in orders] == [(it.client_id, it.status) for it in folded]
    # SQLite sums floats: three fills of an order may come to 0.019999999999999997.
    assert [float(row.filled) for row in orders] == pytest.approx([float(it.filled) for it in folded], abs=1e-9)


def test_the_quality_of_a_real_session_counts_what_is_there(log: Log) -> None:
    row = _row(log)
    measured = measure(log, row.id)
    places = sum(1 for _ in log.journal(row.id, types=("PlaceOrder",)))
    assert sum(rates.placed for rates in measured.rates) == places
    lines = {line.name: line.numbers for line in measured.metrics}
    answered = lines["intent-to-answer/bybit/place"]
    assert answered.count == places
    assert 0 < answered.p50 <= answered.p99 <= answered.maximum
    assert lines["intent-to-wire/bybit/place"].count == places
    wire, answer = lines["intent-to-wire/bybit/place"], lines["wire-to-answer/bybit/place"]
    assert abs(wire.mean + answer.mean - answered.mean) < 1e-6
