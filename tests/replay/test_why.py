"""The tree of a session whose every cause is known, and why there was no quote."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from adapters import order_ids
from replay.rebuild import rebuild
from replay.why.facts import Explanation, Node
from replay.why.quotes import Moment, WhyNot, why_not
from replay.why.traced import trace
from replay.why.tree import Why
from state.errors import ReplayDiverged, WrongUse
from state.events import BookSnapshot, Command, FeedStatus, PlaceOrder, Rejected
from state.log import Log
from state.manifest import Manifest
from streams.strategies.recorded import strategies_of
from tests.replay.decided import SYMBOL, VENUE, Desk, Offer
from tests.replay.told import instrument

D = Decimal


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    with Log.open(f"sqlite:///{tmp_path}/log.db") as opened:
        yield opened


def explained(log: Log, asked: str) -> Explanation:
    row = log.find("last")
    why = Why(log, row)
    subject = why.find(asked)
    wanted = set(subject.decisions())
    strategies = strategies_of(Manifest.parse(row.manifest))
    why.heard = trace(log, row.id, strategies, order_ids(row.id), wanted=wanted).at_decision if wanted else {}
    return why.explain(asked, subject)


def shape(node: Node) -> tuple[object, ...]:
    return (node.what, node.seq, *(shape(child) for child in node.children))


def step(node: Node, what: str) -> Node:
    return next(child for child in node.children if child.what == what)


@pytest.fixture
def traded(log: Log) -> dict[str, int]:
    """Seqs of a session in which the book leads to two orders, of which the bid fills."""
    desk = Desk(log)
    desk.open()
    seqs = {"book": desk.book(99.0, 101.0)}
    bid, ask = desk.intents
    seqs |= {"bid": bid.seq, "ask": ask.seq}
    said = desk.accept()
    assert isinstance(bid.event, PlaceOrder)
    seqs["accepted"] = said[bid.event.client_id]
    seqs["fill"] = desk.fill(bid, "exec-1")
    desk.feed([Command(VENUE, SYMBOL, "cancel_all", f'{{"symbol":"{SYMBOL}"}}')])
    desk.close()
    return seqs


def test_the_tree_of_a_fill_is_what_happened(log: Log, traded: dict[str, int]) -> None:
    answer = explained(log, "exec-1")
    assert shape(answer.tree) == (
        "fill", traded["fill"],
        ("order", traded["fill"]),
        ("intent", traded["bid"], ("market", traded["book"]), ("answer", traded["accepted"])),
    )  # fmt: skip
    assert (answer.root.kind, answer.root.seq) == ("market", traded["book"])
    assert "order" in answer.tree.children[0].what
    assert "filled 0.1" in answer.tree.children[0].text
    assert answer.notes == []


def test_the_frames_are_as_the_venue_sent_them(log: Log, traded: dict[str, int]) -> None:
    tree = explained(log, "exec-1").tree
    intent = step(tree, "intent")
    placed = next(log.records("20260809-desk", traded["bid"], traded["bid"])).event
    assert isinstance(placed, PlaceOrder)
    assert tree.frame is not None
    assert tree.frame.body == '{"topic":"execution","execId":"exec-1"}'
    assert intent.sent is not None
    assert intent.sent.body == f'{{"op":"create","orderLinkId":"{placed.client_id}"}}'
    answer, market = step(intent, "answer"), step(intent, "market")
    assert answer.frame is not None
    assert answer.frame.body == f'{{"ok":"{placed.client_id}"}}'
    assert market.frame is not None
    assert market.frame.body == '{"topic":"orderbook","bid":99.0,"ask":101.0}'


def test_the_operators_had_these_values(log: Log, traded: dict[str, int]) -> None:
    intent = step(explained(log, "exec-1").tree, "intent")
    said = {value.operator: (value.value, value.seq) for value in intent.values}
    book = traded["book"]
    assert said["Book bybit BTCUSDT"] == ("1.0 @ 99.0 | 101.0 @ 1.0 (ok)", book)
    assert said["microprice"] == ("100.0", book)
    assert said["ema"] == ("100.0", book)
    assert said["(unnamed map)"] == ("100.0", book)
    assert said["combine"] == ("(100.0)", book)
    quotes, seq = said["map quotes"]
    assert seq == book
    assert quotes is not None
    assert quotes.startswith("(Quote(side=buy, price=99.0, size=0.1, label=b0")
    assert "Quote(side=sell, price=101.0, size=0.1, label=a0" in quotes
    assert [value.operator for value in intent.values].count("risk_gate") == 2  # its own and the session's


def test_the_limits_stood_so(log: Log, traded: dict[str, int]) -> None:
    intent = step(explained(log, f"o{traded['ask']}").tree, "intent")
    found = {(it.rule, it.set_by): (it.limit, it.value, it.held) for it in intent.verdicts}
    assert found["max_open_orders", "session"] == ("2", "2", True)


def test_times_between_steps_are_those_recorded(log: Log, traded: dict[str, int]) -> None:
    tree = explained(log, "exec-1").tree
    at = {record.seq: record.recv for record in log.records("20260809-desk")}
    intent = step(tree, "intent")
    assert tree.after_ns == at[traded["fill"]] - at[traded["bid"]]
    assert intent.after_ns == at[traded["bid"]] - at[traded["book"]]
    assert step(intent, "answer").after_ns == at[traded["accepted"]] - at[traded["bid"]]


def test_an_order_has_all_that_was_heard_of_it(log: Log, traded: dict[str, int]) -> None:
    placed = next(log.records("20260809-desk", traded["bid"], traded["bid"])).event
    assert isinstance(placed, PlaceOrder)
    for name in (placed.client_id, f"o{traded['bid']}"):
        answer = explained(log, name)
        assert [child.what for child in answer.tree.children] == ["order", "intent", "told", "fill"]
        assert answer.root.seq == traded["book"]


def test_what_a_person_ordered_leads_to_the_person(log: Log, traded: dict[str, int]) -> None:
    [cancel] = [row.seq for row in log.journal("20260809-desk", types=("CancelAll",))]
    answer = explained(log, str(cancel))
    assert answer.root.kind == "command"
    assert answer.tree.verdicts == [] or all(it.held for it in answer.tree.verdicts)


def test_a_timer_is_said_so_and_the_newest_market_event_is_the_root(log: Log) -> None:
    desk = Desk(log, Offer(wait_s=0.05))
    desk.open()
    first = desk.book(99.0, 101.0)
    desk.accept()
    newer = desk.book(109.0, 111.0, after_ms=10)
    desk.book(109.0, 111.0, after_ms=100)  # time passes: the throttle's timer is due before it
    [amended, *_] = [row.seq for row in log_rows(desk, log)]
    answer = explained(log, str(amended))
    assert answer.tree.children[0].what == "timer"
    assert (answer.root.kind, answer.root.seq) == ("market", newer)
    assert first < newer


def log_rows(desk: Desk, log: Log) -> list[object]:
    desk.close()
    return list(log.journal(desk.session, types=("AmendOrder",)))


@pytest.mark.parametrize(
    ("word", "says"),
    [
        pytest.param("nobody", "no record, order or fill 'nobody'", id="a name that is not there"),
        pytest.param("0", "no record, order or fill '0'", id="below the first record"),
        pytest.param("fill:c1", "no fill 'c1'", id="an order where a fill was asked for"),
        pytest.param("seq:99999", "no record '99999'", id="past the last record"),
    ],
)
def test_what_is_not_there_is_said(log: Log, traded: dict[str, int], word: str, says: str) -> None:
    with pytest.raises(WrongUse, match=says):
        Why(log, log.find("last")).find(word)


def test_a_replay_that_decides_otherwise_gives_no_values(log: Log, traded: dict[str, int]) -> None:
    row = log.find("last")
    manifest = Manifest.parse(row.manifest)
    entry = manifest.strategies[0]
    changed = Manifest.parse(manifest.to_json().replace('"size":0.1', '"size":0.2'))
    assert entry.name == "offer"
    with pytest.raises(ReplayDiverged):
        trace(log, row.id, strategies_of(changed), order_ids(row.id))


def test_what_risk_held_back_shows_the_limit_that_broke(log: Log) -> None:
    desk = Desk(log, Offer(limit="0.01"))
    desk.open()
    book = desk.book(99.0, 101.0)
    desk.close()
    answer = explained(log, "6")
    assert answer.tree.what == "blocked"
    assert (answer.root.kind, answer.root.seq) == ("market", book)
    assert [it.rule for it in answer.tree.verdicts if not it.held] == ["max_position"]
    assert any(value.operator == "risk_gate" and "Blocked" in str(value.value) for value in answer.tree.values)


# --- why not ---


def asked(
    log: Log, desk: Desk, side: str = "buy", *, at: int | None = None, after_ms: int = 0, symbol: str = SYMBOL
) -> WhyNot:
    if not desk.pipeline.shared.closed:
        at = at if at is not None else desk.pipeline.seq
        desk.close()
    assert at is not None
    record = next(log.records(desk.session, at, at))
    at_ns = record.recv + after_ms * 1_000_000
    manifest = desk.manifest
    traced = trace(log, desk.session, strategies_of(manifest), order_ids(desk.session), until=at, at=at_ns)
    then = Moment(log, desk.session, record, at_ns, traced.shared, traced.at_end)
    return why_not(then, manifest, "offer", VENUE, symbol, side)  # type: ignore[arg-type]


def shut(answer: WhyNot) -> list[str]:
    return [gate.gate for gate in answer.shut]


def test_it_was_quoting(log: Log) -> None:
    desk = Desk(log)
    desk.open()
    desk.book(99.0, 101.0)
    desk.accept()
    answer = asked(log, desk)
    assert shut(answer) == []
    assert len(answer.quotes) == 1


def _not_ready(desk: Desk) -> None:
    desk.feed([FeedStatus(VENUE, "", "account", "down", "socket lost")])


def _gap(desk: Desk) -> None:
    desk.feed([FeedStatus(VENUE, SYMBOL, "book", "gap", "u 9 after 7")])


def _halt(desk: Desk) -> None:
    desk.feed([Command("", "", "halt", "enough")])


@pytest.mark.parametrize(
    ("happens", "gate", "says"),
    [
        pytest.param(_not_ready, "account", "down socket lost", id="the account is not ready"),
        pytest.param(_gap, "book", "gap u 9 after 7", id="the book cannot be trusted"),
        pytest.param(_halt, "halted", "enough", id="the session is halted"),
    ],
)
def test_a_gate_that_is_shut_is_named_with_its_record(log: Log, happens: object, gate: str, says: str) -> None:
    desk = Desk(log)
    desk.open()
    desk.book(99.0, 101.0)
    seq = desk.pipeline.seq + 1
    assert callable(happens)
    happens(desk)
    answer = asked(log, desk)
    found = next(it for it in answer.shut if it.gate == gate)
    assert found.text == says
    assert found.seq in (seq, seq + 1)


@pytest.mark.parametrize(
    ("offered", "gate", "says"),
    [
        pytest.param(Offer(deaf=True), "inputs", "combine", id="an input never had a value"),
        pytest.param(Offer(sides="sell"), "wish", "wished no buy quote", id="no quote was wished"),
        pytest.param(Offer(size=0.0001), "minimum", "size 0.000 is not positive", id="below the venue's minimum"),
        pytest.param(Offer(limit="0.01"), "blocked", "max_position, limit 0.01", id="risk held it back"),
    ],
)
def test_what_the_strategy_or_its_limits_kept_back(log: Log, offered: Offer, gate: str, says: str) -> None:
    desk = Desk(log, offered)
    desk.open()
    desk.book(99.0, 101.0)
    answer = asked(log, desk)
    assert answer.quotes == []
    found = [it.text for it in answer.shut if it.gate == gate]
    assert any(says in text for text in found), answer.shut


def test_a_refused_level_rests(log: Log) -> None:
    desk = Desk(log)
    desk.open()
    desk.book(99.0, 101.0)
    bid = desk.intents[0]
    assert isinstance(bid.event, PlaceOrder)
    seq = desk.feed(
        [Rejected(VENUE, SYMBOL, None, "place", bid.event.client_id, "post_only", "170218", "would take")], bid.seq
    )
    answer = asked(log, desk)
    [gate] = [it for it in answer.shut if it.gate == "refused"]
    assert gate.seq == seq
    assert "post_only, 170218 would take" in gate.text


def test_an_order_on_its_way_is_in_flight(log: Log) -> None:
    desk = Desk(log)
    desk.open()
    desk.book(99.0, 101.0)
    answer = asked(log, desk)
    [gate] = [it for it in answer.shut if it.gate == "in flight"]
    assert "is on its way" in gate.text
    assert gate.seq == 6


def test_a_side_that_was_filled_waits_for_other_quotes(log: Log) -> None:
    desk = Desk(log)
    desk.open()
    desk.book(99.0, 101.0)
    bid = desk.intents[0]
    desk.accept()
    seq = desk.fill(bid, "exec-1")
    answer = asked(log, desk)
    [gate] = [it for it in answer.shut if it.gate == "filled"]
    assert gate.seq == seq
    assert answer.quotes == []


def test_a_throttle_that_holds_something_newer_is_told(log: Log) -> None:
    desk = Desk(log, Offer(wait_s=5.0))
    desk.open()
    desk.book(99.0, 101.0)
    desk.accept()
    newer = desk.book(109.0, 111.0)
    answer = asked(log, desk)
    [gate] = [it for it in answer.gates if it.gate == "throttled"]
    assert (gate.open, gate.seq) == (True, newer)


def test_a_strategy_that_failed_is_told_with_its_error(log: Log) -> None:
    desk = Desk(log, Offer(sides="middle"))
    desk.open()
    desk.book(99.0, 101.0)
    answer = asked(log, desk)
    [gate] = [it for it in answer.shut if it.gate == "strategy"]
    assert gate.text == "KeyError: 'middle'"
    assert gate.seq == 6


@pytest.mark.parametrize(("symbol", "wished"), [(SYMBOL, 59_999.0), ("ETHUSDT", 1_999.0), ("SOLUSDT", 1_999.0)])
def test_a_strategy_of_several_markets_is_asked_for_the_quotes_of_each(log: Log, symbol: str, wished: float) -> None:
    """Those of its first market stood for all, so that their price was held against the others' collars and grids."""
    desk = Desk(log, function="offer_several")
    desk.feed([instrument(name) for name in (SYMBOL, "ETHUSDT", "SOLUSDT")])
    for name, mid in ((SYMBOL, 60_000.0), ("ETHUSDT", 2_000.0), ("SOLUSDT", 2_000.0)):
        desk.feed([BookSnapshot(VENUE, name, None, [(mid - 0.1, 1.0)], [(mid + 0.1, 1.0)], 1, 50)])
    answer = asked(log, desk, symbol=symbol)
    (wish,) = (gate.text for gate in answer.gates if gate.gate == "wish")
    assert f"price={wished}" in wish
    assert shut(answer) == ["account"]


def test_before_the_first_book_nothing_is_known(log: Log) -> None:
    desk = Desk(log)
    answer = asked(log, desk)
    assert {"account", "instrument", "book", "inputs"} <= set(shut(answer))


def test_a_state_at_a_moment_is_the_rebuilt_one(log: Log, traded: dict[str, int]) -> None:
    row = log.find("last")
    strategies = strategies_of(Manifest.parse(row.manifest))
    for seq in (traded["fill"], row.last_seq):
        traced = trace(log, row.id, strategies, order_ids(row.id), until=seq)
        assert traced.shared.dump() == rebuild(log, row.id, traced.shared.seq).dump()
