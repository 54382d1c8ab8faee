"""The report: its parts add up to what the ledger says, and a real browser draws it without a network."""

import re
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path

import pytest

from app.commands.fork import _inventory
from replay.pnl import account_for
from replay.rebuild import rebuild
from state.events import Blocked, Fill, Rejected
from state.log import Log
from state.record import Record
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
