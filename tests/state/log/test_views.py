"""The views say the same on both databases, and what docs/audit.md asks them is answered."""

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa

from state.events import (
    Accepted,
    AmendOrder,
    Blocked,
    BookSnapshot,
    CancelOrder,
    CommandRefused,
    FeedStatus,
    Fill,
    FundingPayment,
    InstrumentDefined,
    OrderUpdate,
    PlaceOrder,
    PositionUpdate,
    Rejected,
    RiskChanged,
    SessionOpened,
)
from state.log import Log
from state.record import Frame, Record

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "audit.md").read_text()
EXAMPLES: list[str] = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
D = Decimal
MS = 1_000_000
START = 1_786_310_817_000_000_000

Ask = Callable[[str], list[dict[str, object]]]

EVENTS = [
    (0, SessionOpened("s", 7)),
    (0, FeedStatus("bybit", "BTCUSDT", "book", "connecting", "first connection")),
    (0, BookSnapshot("bybit", "BTCUSDT", START, [(100.0, 1.0)], [(101.0, 1.0)], 1, 50)),
    (0, FeedStatus("bybit", "BTCUSDT", "book", "ok")),
    (0, PositionUpdate("bybit", "BTCUSDT", START, D("0.5"), D(99))),
    (0, FeedStatus("bybit", "", "account", "ok", "reconciled")),
    (4, PlaceOrder("bybit", "BTCUSDT", "buy", D("0.003"), D("100"), client_id="c7", strategy="plain", label="b0")),
    (4, PlaceOrder("bybit", "BTCUSDT", "sell", D("0.003"), D("101"), client_id="c8", strategy="plain", label="a0")),
    (4, Blocked("bybit", "BTCUSDT", "place", "max_position", "1", "1.5", side="buy", strategy="plain")),
    (7, Accepted("bybit", "BTCUSDT", None, "place", "c7", "o7")),
    (8, Rejected("bybit", "BTCUSDT", None, "place", "c8", "post_only", "170218", "would \x00 take")),
    (0, OrderUpdate("bybit", "BTCUSDT", None, "c7", "o7", "open", "buy", price=D(100), size=D("0.003"))),
    (4, AmendOrder("bybit", "BTCUSDT", "c7", D(100), D("0.004"), "plain")),
    (13, Accepted("bybit", "BTCUSDT", None, "amend", "c7", "o7")),
    (0, Fill("bybit", "BTCUSDT", None, "f1", "o7", None, "buy", D(100), D("0.001"), D("-0.01"), "USDT", True)),
    (0, Fill("bybit", "BTCUSDT", None, "f1", "o7", "c7", "buy", D(100), D("0.001"), D("-0.01"), "USDT", True)),
    (0, Fill("bybit", "BTCUSDT", None, "f2", "o7", "c7", "buy", D(101), D("0.001"), D("-0.02"), "USDT", False)),
    (0, FundingPayment("bybit", "BTCUSDT", None, "p1", D("-0.5"), "USDT")),
    (4, CancelOrder("bybit", "BTCUSDT", "c7", "plain")),
    (0, OrderUpdate("bybit", "BTCUSDT", None, "c7", "o7", "cancelled", "buy", filled=D("0.002"))),
    (0, OrderUpdate("bybit", "BTCUSDT", None, "c7", "o7", "partially_filled", "buy", filled=D("0.002"))),
    (0, FeedStatus("bybit", "BTCUSDT", "book", "gap", "u 5 after 3")),
    (0, FeedStatus("bybit", "BTCUSDT", "book", "ok")),
    (0, PositionUpdate("bybit", "BTCUSDT", START, D("0.503"), D(99))),
    (24, RiskChanged("one", "active", "reducing_only", "total.max_drawdown 6 > 5")),
    (24, CommandRefused("one", "set", "levels must be at least one")),
]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def ask(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """Asks a log with one session, on each database."""
    url = f"sqlite:///{tmp_path_factory.mktemp('views')}/log.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("module_postgres_url")
    with Log.open(url) as log:
        write(log)
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))

    def query(text: str) -> list[dict[str, object]]:
        with engine.connect() as connection:
            rows = connection.execute(sa.text(text).execution_options(no_parameters=True)).mappings().all()
            return [dict(row) for row in rows]

    yield query
    engine.dispose()


def write(log: Log) -> None:
    writer = log.begin("s", "{}", START)
    for seq, (cause, event) in enumerate(EVENTS, start=1):
        recv = START + seq * MS
        private = isinstance(event, Fill | InstrumentDefined)
        frame = Frame(recv, "bybit", "private", "in", b"{}", private=True) if private else None
        writer.append(Record(seq, recv, cause, event), frame)
    writer.close(START + 1_000 * MS, "closed")


def test_an_order_is_a_row_with_its_end(ask: Ask) -> None:
    bought, sold = ask("SELECT * FROM orders ORDER BY placed_seq")
    assert (bought["placed_seq"], bought["client_id"], bought["order_id"], bought["label"]) == (7, "c7", "o7", "b0")
    assert (bought["status"], bought["outcome"], bought["outcome_seq"]) == ("cancelled", "Accepted", 10)
    assert (bought["amends"], bought["fills"], bought["first_fill_seq"]) == (1, 2, 15)
    assert (float(str(bought["filled"])), float(str(bought["avg_price"]))) == (0.002, 100.5)
    assert (sold["client_id"], sold["status"], sold["outcome"], sold["fills"]) == ("c8", "rejected", "Rejected", 0)


def test_a_fill_that_is_told_twice_is_one_row_and_finds_its_order_by_either_id(ask: Ask) -> None:
    found = ask("SELECT seq, fill_id, client_id, maker, frame FROM fills ORDER BY seq")
    assert [(row["seq"], row["fill_id"], row["client_id"], bool(row["maker"])) for row in found] == [
        (15, "f1", "c7", True),
        (17, "f2", "c7", False),
    ]
    assert [row["frame"] for row in found] == [1, 3]


def test_a_position_is_its_opening_and_its_fills_beside_what_the_venue_says(ask: Ask) -> None:
    [row] = ask("SELECT * FROM positions")
    numbers = {
        name: round(float(str(row[name])), 9) for name in ("opening", "bought", "sold", "size", "reported", "funding")
    }
    assert numbers == {
        "opening": 0.5, "bought": 0.002, "sold": 0, "size": 0.502, "reported": 0.503, "funding": -0.5,
    }  # fmt: skip


def test_an_intent_has_its_answer_and_its_first_fill(ask: Ask) -> None:
    rows = ask("SELECT seq, action, outcome, answer_ns, fill_ns FROM latency ORDER BY seq")
    assert [tuple(row.values()) for row in rows] == [
        (7, "place", "Accepted", 3 * MS, 8 * MS),
        (8, "place", "Rejected", 3 * MS, None),
        (13, "amend", "Accepted", 1 * MS, None),
        (19, "cancel", None, None, None),
    ]


def test_refusals_are_the_venues_and_our_own(ask: Ask) -> None:
    rows = ask("SELECT seq, refused_by, action, rule, code, rule_limit, value FROM refusals ORDER BY seq")
    assert [tuple(row.values()) for row in rows] == [
        (9, "risk", "place", "max_position", None, "1", "1.5"),
        (11, "venue", "place", "post_only", "170218", None, None),
    ]


def test_a_gap_lasts_until_the_next_word_and_a_first_connection_is_none(ask: Ask) -> None:
    rows = ask("SELECT seq, channel, status, until_seq, next_status, lasted_ns FROM gaps")
    assert [tuple(row.values()) for row in rows] == [(22, "book", "gap", 23, "ok", MS)]


def test_steering_says_what_changed_a_strategy_and_why(ask: Ask) -> None:
    rows = ask("SELECT seq, cause, strategy, what, before, state, reason, params FROM steering ORDER BY seq")
    assert [tuple(row.values()) for row in rows] == [
        (25, 24, "one", "RiskChanged", "active", "reducing_only", "total.max_drawdown 6 > 5", None),
        (26, 24, "one", "CommandRefused", None, None, "levels must be at least one", None),
    ]


def test_the_page_has_examples_of_every_view() -> None:
    asked = {view for view in ("orders", "fills", "positions", "latency", "refusals", "gaps", "steering") for text in EXAMPLES
             if f"FROM {view}\n" in text}  # fmt: skip
    assert asked == {"orders", "fills", "positions", "latency", "refusals", "gaps", "steering"}


@pytest.mark.parametrize("place", range(len(EXAMPLES)))
def test_every_example_of_the_page_answers(ask: Ask, place: int) -> None:
    rows = ask(EXAMPLES[place])
    assert rows, EXAMPLES[place]


def test_the_page_names_every_column(ask: Ask) -> None:
    told = dict(re.findall(r"^\| `(\w+)` \| .*? \| `([^`]+)` \|$", PAGE, re.MULTILINE))
    assert set(told) == {"orders", "fills", "positions", "latency", "refusals", "gaps", "steering"}
    for view, columns in told.items():
        shown = ask(f"SELECT * FROM {view} LIMIT 1")
        assert list(shown[0]) == columns.split() or sorted(shown[0]) == sorted(columns.split()), view


def test_a_log_that_is_opened_again_keeps_its_views(log: Log, log_url: str) -> None:
    with Log.open(log_url, create=False) as again:
        assert again.sessions() == log.sessions()
