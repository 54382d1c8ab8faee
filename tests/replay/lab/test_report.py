"""The report: its parts add up to what the ledger says, and a real browser draws it without a network."""

import re
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from adapters.paper import PaperSettings
from app.commands.fork import _inventory
from app.session_page import page
from replay.pnl import Account, account_for
from replay.quality.report import measure
from replay.rebuild import rebuild
from state.events import AnyEvent, Blocked, FeedStatus, Fill, InstrumentDefined, Rejected
from state.log import Log
from state.manifest import Manifest
from state.record import Record
from state.words import FeedState, Side
from streams.testing import book
from tests.replay.decided import Desk, Offer
from tests.replay.lab.sessions import Lab, Tapeline


@pytest.mark.parametrize("which", ["live", "simulated"])
def test_spread_inventory_fees_rebates_and_funding_add_up_to_the_ledgers_pnl(
    lab: Lab, tapeline: Tapeline, tmp_path: Path, which: str
) -> None:
    session = getattr(lab, which)
    said = tapeline("report", session, "-o", str(tmp_path / "page.html"), "--json")
    assert said.code == 0, said.err
    pnl = said.fact()["pnl"]
    assert isinstance(pnl, dict)
    with Log.open(lab.url) as log:
        shared = rebuild(log, session)
        records = list(log.records(session))
    known = {f"{it.venue} {it.symbol}": it.pnl for it in _inventory(shared)}
    assert {market: Decimal(it["total"]) for market, it in pnl.items()} == {it: known[it] for it in pnl}
    assert any(Decimal(it["spread"]) for it in pnl.values())
    assert all(Decimal(it["fees"]) <= 0 <= Decimal(it["rebates"]) for it in pnl.values())
    account = account_for(records, records[0].recv, records[-1].recv)
    fills = {(r.event.symbol, r.event.fill_id) for r in records if isinstance(r.event, Fill)}
    assert sum(len(course.fills) for course in account.courses.values()) == len(fills)
    for (venue, symbol), course in account.courses.items():
        assert course.points[-1].position == float(shared.account(venue).ledger.position(symbol).size)
        assert any(point.own_bid is not None for point in course.points)
        assert all(p.bid < p.ask for p in course.points if p.bid is not None and p.ask is not None)


def test_a_real_browser_draws_the_page_without_a_network(lab: Lab, tapeline: Tapeline, tmp_path: Path) -> None:
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no browser")
    path = tmp_path / "page.html"
    assert tapeline("report", lab.live, "-o", str(path)).code == 0
    text = path.read_text()
    assert not re.findall(r"<(?:script|link|img)[^>]*\b(?:src|href)=", text), "nothing is fetched"
    done = subprocess.run(
        [
            browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}/profile",
            "--host-resolver-rules=MAP * ~NOTFOUND", "--virtual-time-budget=8000", "--enable-logging=stderr",
            "--dump-dom", path.as_uri(),
        ],
        capture_output=True, text=True, timeout=90,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    drawn = done.stdout
    assert drawn.count('class="main-svg"') >= 10, "PnL, markouts, latency, two plots a market"
    for word in (
        "own bid", "buy fills", "position", "markout-1s", "Refusals", "frame-to-intent", "intent-to-wire", "wire-to-answer",
        "rebates", "funding", lab.live,
    ):  # fmt: skip
        assert word in drawn, word
    assert "Uncaught" not in done.stderr


def test_a_simulation_states_what_its_fills_assume_and_a_live_session_has_none(
    lab: Lab, tapeline: Tapeline, tmp_path: Path
) -> None:
    for session, says in ((lab.simulated, True), (lab.live, False)):
        path = tmp_path / f"{session}.html"
        assert tapeline("report", session, "-o", str(path)).code == 0
        text = path.read_text()
        assert ("What these fills assume" in text) is says
        assert ("bybit: queue (power" in text) is says
        assert ("nobody else reacts to our orders" in text) is says


def test_refusals_are_the_venues_and_those_of_risk(tapeline: Tapeline, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/desk.db"
    with Log.open(url) as log:
        desk = Desk(log, Offer(limit="0.05"))
        desk.open()
        desk.book(65000.0, 65001.0)
        session = desk.close()
        (rule, *_) = {record.event.rule for record in log.records(session) if isinstance(record.event, Blocked)}
    assert tapeline("report", session, "-o", str(tmp_path / "page.html"), "--log", url).code == 0
    assert re.search(rf"<td>risk, \w+</td><td>{rule}</td>", (tmp_path / "page.html").read_text())


def fill(venue: str, fill_id: str, side: Side, price: str, fee: str, asset: str = "USDT") -> Fill:
    return Fill(
        venue, "S", None, fill_id, None, None, side, Decimal(price), Decimal(1), Decimal(fee), asset, maker=True
    )


def rules(venue: str) -> InstrumentDefined:
    one = Decimal(1)
    return InstrumentDefined(venue, "S", None, "S", "USDT", "USDT", "perpetual", one, one, one, one)


def accounted(*events: AnyEvent) -> Account:
    return account_for([Record(seq, seq, 0, event) for seq, event in enumerate(events, 1)], 1, len(events))


def test_two_venues_whose_fills_have_the_same_id_are_two_fills() -> None:
    """Two paper venues number their orders from one, each of them."""
    told = [it for venue in ("v", "w") for it in (rules(venue), fill(venue, "paper-1-1", "buy", "9", "-0.5"))]
    found = accounted(*told)
    assert [found.profits[venue, "S"].fees for venue in ("v", "w")] == [Decimal("-0.5")] * 2
    assert [len(found.courses[venue, "S"].fills) for venue in ("v", "w")] == [1, 1]


def test_markets_whose_rules_alone_were_told_have_no_course_and_those_that_we_left_alone_no_plot(lab: Lab) -> None:
    """A venue has hundreds, and a plot of each took minutes."""
    listed = [msgspec.structs.replace(rules("v"), symbol=f"S{number}") for number in range(700)]
    seen = [msgspec.structs.replace(book(), venue="v", symbol=symbol) for symbol in ("S", "S1")]
    found = accounted(*listed, rules("v"), *seen, fill("v", "a", "buy", "9", "-0.5"))
    assert {key: course.is_ours for key, course in found.courses.items()} == {("v", "S"): True, ("v", "S1"): False}
    with Log.open(lab.url) as log:
        row = log.find(lab.live)
        text = page(row, found, measure(log, row.id))
    assert re.findall(r"<h2>(v \S+): quotes", text) == ["v S"]


def test_a_fill_is_a_point_of_its_own_market_alone() -> None:
    """Each of some thousands was one of every market, which took a report of hundreds of listed ones a minute."""
    seen = [msgspec.structs.replace(book(), venue="v", symbol=symbol) for symbol in ("S", "S1")]
    fills = [fill("v", str(number), "buy", "9", "-0.5") for number in range(50)]
    events = [rules("v"), msgspec.structs.replace(rules("v"), symbol="S1"), *seen, *fills]
    records = [Record(seq, seq, 0, event) for seq, event in enumerate(events, 1)]
    courses = account_for(records, 1, 2_000_000).courses
    assert len(courses["v", "S"].points) >= 50
    assert len(courses["v", "S1"].points) < 5


def test_what_no_sum_can_hold_is_said_beside_it(lab: Lab) -> None:
    found = accounted(
        rules("v"), fill("v", "a", "buy", "9", "-0.5"), fill("v", "b", "buy", "9", "-0.01", "BNB"), rules("w")
    )
    profit = found.profits["v", "S"]
    assert (profit.elsewhere, profit.unpriced, profit.total) == ({"BNB": Decimal("-0.01")}, 2, Decimal("-0.5"))
    with Log.open(lab.url) as log:
        row = log.find(lab.live)
        text = page(row, found, measure(log, row.id))
    assert "fees of -0.01 BNB are in no sum" in text
    assert "v S: 2 is still held and no book says what it is worth" in text
    assert "2 fills had no book" in text


def test_gaps_of_the_books_are_told_with_how_long_they_were(lab: Lab) -> None:
    """Nothing fills in them on paper, and of a simulation with many of them little can be believed."""
    second = 1_000_000_000
    told: list[tuple[int, FeedState]] = [(1, "ok"), (5, "gap"), (6, "stale"), (8, "ok"), (9, "ok"), (20, "down")]
    events: list[tuple[int, AnyEvent]] = [(1, rules("v")), *((at, FeedStatus("v", "S", "book", it)) for at, it in told)]
    events.append((22, FeedStatus("v", "S", "trades", "gap")))
    records = [Record(seq, at * second, 0, event) for seq, (at, event) in enumerate(events, 1)]
    found = account_for(records, second, 22 * second)
    assert [(it.count, it.lasted // second, it.since) for it in found.gaps.values()] == [(2, 5, 0)]
    with Log.open(lab.url) as log:
        row = log.find(lab.live)
        text = page(row, found, measure(log, row.id))
    assert "v S: the book could not be trusted 2 times, 5.0 s in all" in text


@pytest.mark.parametrize("source", ["live", "demo", "chaos"])
def test_every_session_whose_venues_are_configured_has_a_report(
    lab: Lab, tapeline: Tapeline, tmp_path: Path, source: str
) -> None:
    """That of `tapeline demo` ended in a traceback: its manifest tells paper venues as a live one does."""
    url = f"sqlite:///{tmp_path}/log.db"
    with Log.open(lab.url) as log, Log.open(url) as other:
        manifest = Manifest.parse(log.find(lab.live).manifest)
        paper = msgspec.Raw(msgspec.json.encode({"bybit": PaperSettings(queue="power3")}))
        records = list(log.records(lab.live))
        writer = other.begin(
            "s", msgspec.structs.replace(manifest, source=source, paper=paper).to_json(), records[0].recv
        )
        for record in records:
            writer.append(record)
        writer.close(records[-1].recv)
    said = tapeline("report", "s", "-o", str(tmp_path / "page.html"), "--log", url)
    assert said.code == 0, said.err
    assert "queue (power3)" in (tmp_path / "page.html").read_text()


def test_a_refusal_of_many_orders_is_one_line() -> None:
    refused = [
        Record(
            seq,
            seq,
            0,
            Rejected("v", "S", None, "cancel", f"id-{seq}", "gone", "no_such_order", f"no order 'id-{seq}'"),
        )
        for seq in range(1, 8)
    ]
    assert account_for(refused, 1, 7).refusals == {("v", "no_such_order", "no order '…'"): 7}


def test_a_page_that_cannot_be_written_is_said_in_one_line(lab: Lab, tapeline: Tapeline, tmp_path: Path) -> None:
    said = tapeline("report", lab.live, "-o", str(tmp_path))
    assert said.code == 2
    assert "is a folder" in said.err
    assert len(said.err.splitlines()) == 1
