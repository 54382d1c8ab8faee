"""The page of an audit: verdict first, every finding with its record, and nothing that a venue wrote becomes markup."""

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
import sqlalchemy as sa

from app.audit_page import CHECKS
from state.events import AnyEvent, PlaceOrder, StrategyFailed
from state.log import Log
from state.log.diagnosis import Deed
from state.log.schema import journal
from state.log.verify import Kind
from tests.app.conftest import SESSION, write_session
from tests.behind import behind_its_back

Cli = Callable[..., Any]
VOID = {"meta", "link", "img", "br", "hr"}
IMPLIED = {"td", "th"}  # HTML closes them itself


class Page(HTMLParser):
    """Every tag, table and heading of a page, in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.ids: list[str] = []
        self.headings: list[str] = []
        self.tables: dict[str, list[list[str]]] = {}
        self._open: list[str] = []
        self._table = ""
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        named = dict(attrs).get("id")
        self.ids += [named] if named else []
        if tag not in VOID | IMPLIED:
            self._open.append(tag)
        if tag == "table":
            self._table = named or ""
            self.tables[self._table] = []
        elif tag == "tr":
            self.tables[self._table].append([])
        elif tag in IMPLIED:
            self.tables[self._table][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "tr":
            self.tables[self._table][-1][-1] += data
        elif self._open and self._open[-1] in ("h1", "h2"):
            self.headings.append(data)


@pytest.fixture
def clean_url(tmp_path: Path, recorded_events: list[AnyEvent]) -> str:
    """A session without anything that waits for an answer."""
    url = f"sqlite:///{tmp_path}/clean.db"
    quiet = [event for event in recorded_events if type(event).__name__ not in ("PlaceOrder", "CancelOrder")]
    kept = [event for event in quiet if type(event).__name__ not in ("Accepted", "Fill")]
    with Log.open(url) as log:
        write_session(log, SESSION, kept)
    return url


def test_the_page_of_a_clean_session_says_so_first(cli: Cli, clean_url: str) -> None:
    ran = cli("audit", "last", "--html", "--log", clean_url)
    assert (ran.code, ran.err) == (0, "")
    page = Page(ran.out)
    assert page.headings[0] == f"Audit of session {SESSION}"
    assert page.headings[1:] == [
        "What was checked", "Findings", "Session", "Intents and their outcomes", "Positions", "Checkpoints",
    ]  # fmt: skip
    assert page.ids[:2] == ["verdict", "checked"]
    assert '<section id="verdict" class="clean"><p class="big">Clean</p>' in ran.out
    results = {row[1]: row[0] for row in page.tables["checked"][1:]}
    assert results == {
        check.title: "not asked" if check.title in ("Signatures", "Anchors") else "holds" for check in CHECKS
    }
    assert len(page.tables["checkpoints"]) == 2


def test_every_finding_is_listed_with_its_record(cli: Cli, log_url: str) -> None:
    with behind_its_back(log_url) as connection:
        connection.execute(journal.delete().where(journal.c.seq == 9))
    told = cli("audit", "last", "--json", "--log", log_url).objects()[0]["findings"]
    ran = cli("audit", "last", "--html", "--log", log_url)
    assert ran.code == 1
    page = Page(ran.out)
    assert page.tables["findings"][1:] == [[str(f["seq"] or "whole"), f["kind"], f["text"]] for f in told]
    assert "9" in [row[0] for row in page.tables["findings"]]
    counted = sum(int(row[0].split()[0]) for row in page.tables["checked"][1:] if row[0].endswith("found"))
    assert counted == len(told)
    assert f'<p class="big">{len(told)} findings</p>' in ran.out
    intents = page.tables["intents"][1:]
    assert [row[:5] for row in intents] == [["bybit", "cancel", "1", "0", "0"], ["bybit", "place", "2", "0", "0"]]
    assert page.tables["positions"][1][:4] == ["bybit", "BTCUSDT", "1", "0.001"]


EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>\u202e\x1b[31m&amp;"


def test_nothing_of_a_venue_becomes_markup(cli: Cli, tmp_path: Path, recorded_events: list[AnyEvent]) -> None:
    url = f"sqlite:///{tmp_path}/evil.db"
    evil = [
        msgspec.structs.replace(event, **{name: EVIL for name in ("venue", "symbol", "client_id", "order_id", "fill_id")
                                          if hasattr(event, name) and name in event.__struct_fields__})
        for event in recorded_events
    ]  # fmt: skip
    evil.insert(5, StrategyFailed(EVIL, EVIL, EVIL))
    with Log.open(url) as log:
        write_session(log, SESSION, evil)
    with behind_its_back(url) as connection:
        connection.execute(sa.text("UPDATE sessions SET manifest = :evil, parent = :evil"), {"evil": EVIL})
    ran = cli("audit", "last", "--html", "--log", url)
    assert ran.code == 1
    page = Page(ran.out)
    assert not {"script", "img", "link", "iframe", "object", "form", "a"} & set(page.tags)
    assert {name for name, _ in page.attributes} <= {
        "lang", "charset", "http-equiv", "content", "name", "id", "class", "scope",
    }  # fmt: skip
    assert "http://" not in ran.out
    assert "https://" not in ran.out
    assert all(char.isprintable() or char == "\n" for char in ran.out)
    assert "\\u202e\\x1b[31m&amp;amp;" in ran.out
    assert any(EVIL[:25] in cell for row in page.tables["findings"] for cell in row)
    assert any(isinstance(event, PlaceOrder) for event in evil)


def test_the_page_forbids_scripts_and_everything_from_outside(cli: Cli, clean_url: str) -> None:
    out = cli("audit", "last", "--html", "--log", clean_url).out
    assert re.search(r"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\"", out)


def test_the_page_is_written_whole_to_a_file(cli: Cli, clean_url: str, tmp_path: Path) -> None:
    ran = cli("audit", "last", "--html", "-o", "audit.html", "--log", clean_url)
    assert (ran.code, ran.out) == (0, "")
    assert Page((tmp_path / "audit.html").read_text()).ids[0] == "verdict"


@pytest.mark.parametrize(
    "words", [pytest.param(("--html", "--json"), id="two forms"), pytest.param(("-o", "x"), id="a file without a page")]
)
def test_what_does_not_go_together_is_refused(cli: Cli, clean_url: str, words: tuple[str, ...]) -> None:
    ran = cli("audit", "last", *words, "--log", clean_url)
    assert (ran.code, ran.out) == (2, "")


def test_every_kind_of_finding_speaks_against_a_check() -> None:
    kinds = {word for each in get_args(Kind) for word in (get_args(each) or (each,))} | set(get_args(Deed))
    assert kinds <= frozenset().union(*(check.kinds for check in CHECKS))
