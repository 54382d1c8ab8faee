"""A session as Arrow and Polars says what its records say, and what docs/tables.md asks DuckDB is answered."""

import re
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

import replay
from app.cli import run
from state.errors import LogError, WrongUse
from state.events import EVENTS as KINDS
from state.events import AnyEvent
from state.log import Log
from tests.app.conftest import EVENTS, SESSION, write_session
from tests.later import Later

duckdb = Later("duckdb")
pl = Later("polars")

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "tables.md").read_text()


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TAPELINE_LOG", f"sqlite:///{tmp_path}/log.db")
    with Log.open(f"sqlite:///{tmp_path}/log.db") as log:
        write_session(log, SESSION, EVENTS)
    return f"sqlite:///{tmp_path}/log.db"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_table_has_every_record_and_every_field_of_its_kind(url: str, kind: type[AnyEvent]) -> None:
    rows = replay.read("last", log=url).table(kind).to_pylist()
    said = [(seq, event) for seq, event in enumerate(EVENTS, start=1) if type(event) is kind]
    assert [row["seq"] for row in rows] == [seq for seq, _ in said]
    for row, (_, event) in zip(rows, said, strict=True):
        for name in event.__struct_fields__:
            value = getattr(event, name)
            if isinstance(value, Decimal):
                assert row[name] == str(value)
            elif isinstance(value, list):
                assert [tuple(level) for level in row[name]] == value
            else:
                assert row[name] == value, name


def test_one_line_gives_a_table_by_name(url: str) -> None:
    session = replay.read("last")
    assert session.id == SESSION
    assert session.trades().column("price").to_pylist() == [65114.3]
    assert session.trades().schema.field("price").type == pa.float64()
    assert session.book_deltas().column("bids").to_pylist() == [[[65114.2, 6.124]]]
    assert session.fills().column("fee").to_pylist() == ["-0.0130"]
    counted = {
        name: getattr(session, name)().num_rows
        for name in (
            "book_snapshots",
            "tickers",
            "candles",
            "liquidations",
            "placed",
            "orders",
            "positions",
            "balances",
        )
    }
    assert counted == {
        "book_snapshots": 1, "tickers": 1, "candles": 0, "liquidations": 0, "placed": 2, "orders": 3, "positions": 0,
        "balances": 0,
    }  # fmt: skip
    assert (session.funding().num_rows, session.feed_statuses().num_rows) == (0, 1)


def test_one_market_only(url: str) -> None:
    assert replay.read("last").only("ETHUSDT").placed().column("symbol").to_pylist() == ["ETHUSDT"]


def test_polars_has_the_same_rows(url: str) -> None:
    frame = replay.read("last").polars("Fill")
    assert isinstance(frame, pl.DataFrame)
    assert frame.select(pl.col("size").cast(pl.Decimal(38, 12)).sum()).item() == Decimal("0.001")


def test_what_is_not_there_is_said(url: str, tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match="no event is called"):
        replay.read("last").table("Smoke")
    with pytest.raises(WrongUse, match="no session"):
        replay.read("nowhere")
    with pytest.raises(LogError, match="there is no log"):
        replay.read("last", log=f"sqlite:///{tmp_path}/none.db")


def test_the_page_runs_as_it_stands(url: str, tmp_path: Path) -> None:
    [example] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    said: dict[str, object] = {}
    exec(example, said)
    trades = said["trades"]
    assert isinstance(trades, pa.Table)
    assert isinstance(said["frame"], pl.DataFrame)
    assert duckdb.sql("SELECT avg(price) FROM trades").fetchall() == [(65114.3,)]
    for command in re.findall(r"^    tapeline (export .*)$", PAGE, re.MULTILINE):
        assert run(command.split()) == 0
    candles, paid, beside = [duckdb.sql(query).fetchall() for query in re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)]
    assert [row[2:] for row in candles] == [(65114.3, 65114.3, 65114.3, 65114.3, 1e-05, 1)]
    assert paid == [("BTCUSDT", "buy", Decimal("0.001"), Decimal("-0.0130"), "USDT")]
    assert beside == [(12, "BTCUSDT", 65000.1, 65114.3)]
