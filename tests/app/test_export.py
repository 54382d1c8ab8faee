"""Exports: every record, every field, no digit lost, and a file that is there whole or not at all."""

import builtins
import csv
import io
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest

from app.export import columns_of
from state.events import EVENTS, AnyEvent, Fill, Trade

Cli = Callable[..., Any]
PLACE = ["seq", "recv", "cause", "type", "venue", "symbol"]


def test_jsonl_is_what_events_prints(cli: Cli, log_url: str) -> None:
    assert cli("export", "last", "--format", "jsonl", "--log", log_url).out == (
        cli("events", "last", "--json", "--log", log_url).out
    )


def test_csv_has_every_record_and_every_field(cli: Cli, log_url: str) -> None:
    facts = cli("events", "last", "--json", "--log", log_url).objects()
    rows = list(csv.DictReader(io.StringIO(cli("export", "last", "--format", "csv", "--log", log_url).out)))
    assert list(rows[0])[:6] == PLACE
    assert len(rows) == len(facts) == 15
    for row, fact in zip(rows, facts, strict=True):
        for name, cell in row.items():
            assert cell == _csv_text(fact.get(name)), f"{fact['type']}.{name}"


def _csv_text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def test_parquet_has_every_record_and_every_field(cli: Cli, log_url: str, tmp_path: Path) -> None:
    facts = cli("events", "last", "--json", "--log", log_url).objects()
    ran = cli("export", "last", "--format", "parquet", "-o", "out.parquet", "--log", log_url)
    assert (ran.code, ran.out) == (0, "")
    table = pq.read_table(tmp_path / "out.parquet")
    assert table.column_names[:6] == PLACE
    kinds = {field.name: str(field.type) for field in table.schema}
    rows = table.to_pylist()
    assert len(rows) == 15
    for row, fact in zip(rows, facts, strict=True):
        for name, cell in row.items():
            told = fact.get(name, "" if name in ("venue", "symbol") else None)
            if kinds[name] == "string" and told is not None and not isinstance(told, str):
                told = msgspec.json.encode(told).decode()
            assert cell == told, f"{fact['type']}.{name}"


def test_levels_are_lists_and_money_is_text_in_parquet(cli: Cli, log_url: str, tmp_path: Path) -> None:
    cli("export", "last", "--format", "parquet", "-o", "out.parquet", "--log", log_url)
    rows = pq.read_table(tmp_path / "out.parquet").to_pylist()
    assert rows[2]["bids"] == [[65114.2, 6.054], [65114.1, 0.1]]
    assert rows[11]["fee"] == "-0.0130"


@pytest.mark.parametrize(
    ("types", "kind"),
    [
        pytest.param(["Trade"], "double", id="observed prices are numbers"),
        pytest.param(["Fill"], "string", id="owed prices are text"),
        pytest.param(["Trade", "Fill"], "string", id="both in one column are text"),
    ],
)
def test_a_column_loses_nothing(cli: Cli, log_url: str, tmp_path: Path, types: Sequence[str], kind: str) -> None:
    chosen = [word for name in types for word in ("--type", name)]
    cli("export", "last", "--format", "parquet", "-o", "out.parquet", "--log", log_url, *chosen)
    table = pq.read_table(tmp_path / "out.parquet")
    assert str(table.schema.field("price").type) == kind
    prices = {row["type"]: row["price"] for row in table.to_pylist()}
    assert "Trade" not in prices or float(prices["Trade"]) == 65114.3
    assert "Fill" not in prices or Decimal(prices["Fill"]).as_tuple() == Decimal("65000.10").as_tuple()


def test_every_event_has_columns() -> None:
    columns = columns_of(frozenset(EVENTS))
    for event in EVENTS:
        assert set(event.__struct_fields__) <= set(columns)
    assert columns["price"] == "text"
    assert columns_of(frozenset({Trade}))["price"] == "float"
    assert columns_of(frozenset({Fill}))["price"] == "text"


def test_an_empty_selection_still_has_a_heading(cli: Cli, log_url: str) -> None:
    ran = cli("export", "last", "--format", "csv", "--symbol", "NOPE", "--log", log_url)
    assert (ran.code, ran.out) == (0, ",".join(PLACE) + "\n")


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_a_file_is_there_whole_or_not_at_all(cli: Cli, log_url: str, tmp_path: Path, form: str) -> None:
    damaged = tmp_path / "damaged.db"
    _damage_last_block(tmp_path / "log.db", damaged)
    ran = cli("export", "last", "--format", form, "-o", "out", "--log", f"sqlite:///{damaged}")
    assert ran.code == 2
    assert len(ran.err.splitlines()) == 1
    assert not list(tmp_path.glob("out*"))


def _damage_last_block(log: Path, copy: Path) -> None:
    import sqlite3

    copy.write_bytes(log.read_bytes())
    connection = sqlite3.connect(copy)
    connection.execute("UPDATE blocks SET body = x'00'")
    connection.commit()
    connection.close()


def test_parquet_without_pyarrow_says_what_to_install(cli: Cli, log_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    real = builtins.__import__

    def without(
        name: str,
        globals: Mapping[str, object] | None = None,
        locals: Mapping[str, object] | None = None,
        fromlist: Sequence[str] = (),
        level: int = 0,
    ) -> object:
        if name.partition(".")[0] == "pyarrow":
            raise ModuleNotFoundError(name=name)
        return real(name, globals, locals, fromlist, level)

    monkeypatch.delitem(sys.modules, "app.parquet", raising=False)
    monkeypatch.setattr(builtins, "__import__", without)
    ran = cli("export", "last", "--format", "parquet", "-o", "x", "--log", log_url)
    assert ran.code == 2
    assert "pip install 'tapeline[parquet]'" in ran.err


def test_a_long_session_is_written_in_several_groups(tmp_path: Path) -> None:
    from app.parquet import GROUP_ROWS, write_parquet
    from state.record import Record

    events: list[AnyEvent] = [Trade("v", "s", n, str(n), n / 7, 1.0, "buy") for n in range(GROUP_ROWS + 10)]
    with (tmp_path / "x").open("wb") as file, write_parquet(file, columns_of(frozenset({Trade})), {}) as write:
        for first in range(0, len(events), 4096):
            write([Record(seq, seq, 0, event) for seq, event in enumerate(events[first : first + 4096], first + 1)])
    file_of = pq.ParquetFile(tmp_path / "x")
    assert file_of.num_row_groups == 2
    assert [row["price"] for row in file_of.read().to_pylist()] == [n / 7 for n in range(len(events))]


def test_a_number_that_parquet_cannot_hold_is_said(cli: Cli, tmp_path: Path) -> None:
    from state.events import SessionOpened
    from state.log import Log
    from state.record import Record

    url = f"sqlite:///{tmp_path}/seed.db"
    with Log.open(url) as log:
        writer = log.begin("s", "{}", 1)
        writer.append(Record(1, 1, 0, SessionOpened("s", 2**63)))
        writer.close(2, "closed")
    ran = cli("export", "s", "--format", "parquet", "-o", "x", "--log", url)
    assert (ran.code, ran.out) == (2, "")
    assert "seed holds a number" in ran.err
    assert len(ran.err.splitlines()) == 1
    assert cli("export", "s", "--format", "csv", "--log", url).out.endswith(f",{2**63},\n")


def test_a_pipe_is_written_to_and_stays_one(cli: Cli, log_url: str, tmp_path: Path) -> None:
    """As /dev/stdout, /dev/null and a shell's >(…) are: replaced by a file they would be gone for everybody."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    heard: list[bytes] = []
    reader = threading.Thread(target=lambda: heard.append(pipe.read_bytes()), daemon=True)
    reader.start()
    ran = cli("export", "last", "--format", "csv", "-o", str(pipe), "--log", log_url)
    assert pipe.is_fifo()
    reader.join()
    assert (ran.code, heard) == (0, [cli("export", "last", "--format", "csv", "--log", log_url).out.encode()])


def test_what_a_link_points_to_is_written_and_nothing_beside_it(cli: Cli, log_url: str, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    kept, target, link = tmp_path / "there/x.csv.part", tmp_path / "there/x.csv", tmp_path / "link.csv"
    kept.write_text("somebody's own")
    link.symlink_to(target)
    assert cli("export", "last", "--format", "csv", "-o", str(link), "--log", log_url).code == 0
    assert link.is_symlink()
    assert target.read_text() == cli("export", "last", "--format", "csv", "--log", log_url).out
    assert sorted(path.name for path in target.parent.iterdir()) == ["x.csv", "x.csv.part"]
    assert kept.read_text() == "somebody's own"


def test_a_file_that_cannot_be_made_is_told_by_its_own_name(cli: Cli, log_url: str) -> None:
    ran = cli("export", "last", "--format", "csv", "-o", "nowhere/x.csv", "--log", log_url)
    assert (ran.code, ran.err) == (2, "tapeline: nowhere/x.csv: No such file or directory\n")
