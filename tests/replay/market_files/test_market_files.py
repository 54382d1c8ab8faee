"""Others' market data becomes a session; what cannot be read is refused with its file and line."""

import gzip
import json
import sqlite3
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zstandard

from app.cli import run
from replay.imports import Imported
from replay.market_files import hftbacktest
from replay.market_files.importing import import_market_files
from replay.market_files.source import Said
from replay.rebuild import rebuild
from state.errors import WrongUse
from state.events import BookDelta, BookOrder, BookSnapshot, FeedStatus, InstrumentDefined, Liquidation, Ticker, Trade
from state.log import Log
from state.manifest import Manifest
from state.record import Record
from state.reducer import Reducer
from state.shared import SharedState
from tests.later import Later

hft = Later("hftbacktest")
theirs = Later("hftbacktest.data.utils.tardis")
their_binance = Later("hftbacktest.data.utils.binancefutures")

SAID = Said("binance-futures")
HEAD = "exchange,symbol,timestamp,local_timestamp"
TRADES = f"{HEAD},id,side,price,amount\n"
BOOK = f"{HEAD},is_snapshot,side,price,amount\n"
TARDIS = "binance/nautilus-tardis-csv"


def imported(tmp_path: Path, *files: Path, said: Said = SAID) -> tuple[Imported, list[Record]]:
    with Log.open(f"sqlite:///{tmp_path}/log.db") as log:
        name = f"s{len(log.sessions())}"
        result = import_market_files(log, name, Manifest(seed=1, source="import"), said, files)
        return result, list(log.records(name))


def events(records: list[Record], kind: type) -> list[Any]:
    return [record.event for record in records if isinstance(record.event, kind)]


def csv(tmp_path: Path, name: str, head: str, *rows: str) -> Path:
    path = tmp_path / name
    path.write_text(head + "".join(f"x,BTCUSDT,{row}\n" for row in rows))
    return path


# --- tardis ---


@pytest.mark.parametrize(
    ("name", "kind", "count", "tick", "lot"),
    [
        pytest.param("binance-futures_trades.csv.zst", Trade, 9_999, "0.01", "0.001", id="trades"),
        pytest.param("binance-futures_quotes.csv.zst", BookSnapshot, 9_999, "0.01", "0.001", id="quotes"),
        pytest.param("binance-futures_book_snapshot_25_BTCUSDT.csv", BookSnapshot, 10, "0.01", "0.001", id="25 levels"),
        pytest.param("binance-futures_book_snapshot_5_BTCUSDT.csv", BookSnapshot, 10, "0.01", "0.001", id="5 levels"),
    ],
)
def test_real_files_are_read_whole(
    recordings: Path, tmp_path: Path, name: str, kind: type, count: int, tick: str, lot: str
) -> None:
    result, records = imported(tmp_path, recordings / TARDIS / name)
    [rules] = events(records, InstrumentDefined)
    assert (rules.symbol, rules.base, rules.settle) == ("BTCUSDT", "BTC", "USDT")
    assert (rules.tick, rules.lot) == (Decimal(tick), Decimal(lot))
    found = events(records, kind)
    assert len(found) == pytest.approx(count, abs=1)
    assert result.gaps == 0
    assert result.events == len(records)


def test_the_numbers_of_a_real_file_are_the_files(recordings: Path, tmp_path: Path) -> None:
    _, records = imported(tmp_path, recordings / TARDIS / "binance-futures_trades.csv.zst")
    trades = events(records, Trade)
    assert trades[0] == Trade("binance-futures", "BTCUSDT", 1582329602111000_000, "42377944", 9682.0, 0.132, "buy")
    first = next(record for record in records if isinstance(record.event, Trade))
    assert first.recv == 1582329602418379_000
    _, records = imported(tmp_path, recordings / TARDIS / "binance-futures_book_snapshot_5_BTCUSDT.csv")
    book = events(records, BookSnapshot)[0]
    assert (book.bids[0], book.asks[0], book.depth, len(book.bids), len(book.asks)) == (
        (11657.07, 10.896), (11657.08, 1.714), 5, 5, 5,
    )  # fmt: skip


def test_book_and_trades_become_one_session_in_order_of_receipt(recordings: Path, tmp_path: Path) -> None:
    folder = recordings / TARDIS
    _, records = imported(
        tmp_path, folder / "binance-futures_trades.csv.zst", folder / "binance-futures_quotes.csv.zst"
    )
    received = [record.recv for record in records]
    assert received == sorted(received)
    kinds = [type(record.event) for record in records if isinstance(record.event, Trade | BookSnapshot)]
    assert len({kinds.index(Trade), kinds.index(BookSnapshot)}) == 2
    assert len(events(records, Trade)) + len(events(records, BookSnapshot)) >= 19_990


def test_a_book_is_its_first_snapshot_and_what_changed(tmp_path: Path) -> None:
    path = csv(
        tmp_path, "book.csv", BOOK,
        "1000,1500,true,bid,100.5,1", "1000,1500,true,ask,101,2", "1000,1500,true,bid,100,3",
        "2000,2500,false,bid,100.5,0", "2000,2500,false,ask,101,2.25", "2001,2500,false,ask,102,1",
    )  # fmt: skip
    result, records = imported(tmp_path, path)
    assert result.gaps == 0
    assert events(records, BookSnapshot) == [
        BookSnapshot("binance-futures", "BTCUSDT", 1_000_000, [(100.5, 1.0), (100.0, 3.0)], [(101.0, 2.0)])
    ]
    assert events(records, BookDelta) == [
        BookDelta("binance-futures", "BTCUSDT", 2_000_000, [(100.5, 0.0)], [(101.0, 2.25)]),
        BookDelta("binance-futures", "BTCUSDT", 2_001_000, [], [(102.0, 1.0)]),
    ]
    assert events(records, InstrumentDefined)[0].tick == Decimal("0.1")
    causes = [record.cause for record in records if isinstance(record.event, BookDelta)]
    assert causes == [0, records[-3].seq], "what was received at once is one burst"
    with Log.open(f"sqlite:///{tmp_path}/log.db") as log:
        book = rebuild(log, "s0").market("binance-futures", "BTCUSDT").book
        assert (list(book.bids()), list(book.asks())) == ([(100.0, 3.0)], [(101.0, 2.25), (102.0, 1.0)])


def test_a_recorder_that_connected_anew_is_a_gap(tmp_path: Path) -> None:
    path = csv(
        tmp_path,
        "book.csv",
        BOOK,
        "1,1,true,bid,100,1",
        "2,2,false,bid,99,1",
        "9,9,true,bid,90,1",
        "10,10,false,bid,91,1",
    )
    result, records = imported(tmp_path, path)
    said = [event.status for event in events(records, FeedStatus) if event.channel == "book"]
    assert (said, result.gaps) == (["ok", "gap", "ok"], 1)


def test_a_file_that_begins_within_a_book_says_so_once(tmp_path: Path) -> None:
    path = csv(tmp_path, "book.csv", BOOK, "1,1,false,bid,100,1", "2,2,false,bid,99,1", "9,9,true,bid,90,1")
    result, records = imported(tmp_path, path)
    assert (len(events(records, BookDelta)), len(events(records, BookSnapshot)), result.gaps) == (0, 1, 1)


def test_tickers_and_liquidations(tmp_path: Path) -> None:
    columns = "funding_timestamp,funding_rate,predicted_funding_rate,open_interest,last_price,index_price,mark_price"
    ticker = csv(tmp_path, "t.csv", f"{HEAD},{columns}\n", "1,2,28800000000,0.0001,,,100.5,,101")
    forced = csv(tmp_path, "x_liquidations_y.csv", TRADES, "3,4,id,sell,99,2", "3,4,id,unknown,99,2")
    _, records = imported(tmp_path, ticker, forced)
    [told] = events(records, Ticker)
    assert (told.funding_rate, told.next_funding, told.last, told.mark, told.index) == (
        0.0001, 28_800_000_000_000, 100.5, 101.0, None,
    )  # fmt: skip
    assert events(records, Liquidation) == [Liquidation("binance-futures", "BTCUSDT", 1000 * 3, "sell", 99.0, 2.0)]


def test_what_is_said_goes_before_what_is_inferred(tmp_path: Path) -> None:
    said = Said("deribit", "BTC-PERPETUAL", Decimal("0.5"), Decimal(10), "future")
    path = csv(tmp_path, "t.csv", TRADES, "1,2,id,buy,100.25,30")
    _, records = imported(tmp_path, path, said=said)
    [rules] = events(records, InstrumentDefined)
    assert (rules.symbol, rules.base, rules.quote, rules.tick, rules.lot, rules.kind) == (
        "BTC-PERPETUAL", "BTC", "USD", Decimal("0.5"), Decimal(10), "future",
    )  # fmt: skip


REFUSED: dict[str, tuple[str, str, str]] = {
    "rows that are not sorted": (
        TRADES,
        "1,20,a,buy,1,1\nx,BTCUSDT,2,10,b,buy,1,1",
        "line 3 was received before.*sort it",
    ),
    "a row that is cut off": (TRADES, "1,2", "line 2 is not trades: columns are missing"),
    "a time that is none": (TRADES, "1,noon,a,buy,1,1", "line 2.*whole µs"),
    "a price that is none": (BOOK, "1,2,true,bid,much,1", r"line 2 is not incremental_book_L2: a price or size"),
    "a side that is none": (BOOK, "1,2,true,up,1,1", "line 2 or shortly after is not incremental_book_L2: 'up'"),
    "columns that nobody knows": (f"{HEAD},colour\n", "1,2,red", "columns that are not known here: colour"),
    "a file with nothing but a heading": (TRADES, "", "no market events"),
}


@pytest.mark.parametrize(("head", "row", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_tardis_file_is_refused(tmp_path: Path, head: str, row: str, words: str) -> None:
    path = csv(tmp_path, "f.csv", head, *([row] if row else []))
    with pytest.raises(WrongUse, match=words):
        imported(tmp_path, path)


# --- hftbacktest ---


def both() -> int:
    return hft.EXCH_EVENT | hft.LOCAL_EVENT


def array(
    tmp_path: Path, *rows: tuple[int, int, float, float], order_ids: tuple[int, ...] = (), name: str = "e.npz"
) -> Path:
    ids = order_ids or (0,) * len(rows)
    table = np.array(
        [
            (ev, at - 3, at, price, size, number, 0, 0.0)
            for (ev, at, price, size), number in zip(rows, ids, strict=True)
        ],
        dtype=hft.event_dtype,
    )
    path = tmp_path / name
    np.savez_compressed(path, data=table) if name.endswith("npz") else np.save(path, table)
    return path


def test_an_event_array_becomes_what_its_local_side_sees(tmp_path: Path) -> None:
    path = array(
        tmp_path,
        (hft.DEPTH_CLEAR_EVENT | hft.BUY_EVENT | both(), 100, 99.0, 0.0),
        (hft.DEPTH_SNAPSHOT_EVENT | hft.BUY_EVENT | both(), 100, 100.0, 1.0),
        (hft.DEPTH_SNAPSHOT_EVENT | hft.BUY_EVENT | both(), 100, 99.0, 2.0),
        (hft.DEPTH_SNAPSHOT_EVENT | hft.SELL_EVENT | both(), 100, 101.0, 1.5),
        (hft.TRADE_EVENT | hft.SELL_EVENT | both(), 200, 100.0, 0.25),
        (hft.DEPTH_EVENT | hft.BUY_EVENT | hft.EXCH_EVENT, 205, 50.0, 9.0),
        (hft.DEPTH_EVENT | hft.BUY_EVENT | both(), 210, 100.0, 0.75),
        (hft.DEPTH_EVENT | hft.SELL_EVENT | both(), 210, 101.0, 0.0),
    )
    said = Said("hl", "BTCUSDT")
    result, records = imported(tmp_path, path, said=said)
    assert result.gaps == 0
    assert events(records, BookSnapshot) == [
        BookSnapshot("hl", "BTCUSDT", 97, [(100.0, 1.0), (99.0, 2.0)], [(101.0, 1.5)])
    ]
    assert events(records, Trade) == [Trade("hl", "BTCUSDT", 197, "", 100.0, 0.25, "sell")]
    assert events(records, BookDelta) == [BookDelta("hl", "BTCUSDT", 207, [(100.0, 0.75)], [(101.0, 0.0)])]
    assert events(records, InstrumentDefined)[0].lot == Decimal("0.01")
    assert [record.recv for record in records if isinstance(record.event, Trade | BookDelta)] == [200, 210]


def test_single_orders_are_told_with_the_levels_that_they_make(tmp_path: Path) -> None:
    add, gone, changed, filled = (kind | both() | hft.BUY_EVENT for kind in (10, 11, 12, 13))
    path = array(
        tmp_path,
        (add, 10, 100.0, 2.0), (add, 20, 100.0, 3.0), (filled, 30, 100.0, 0.5), (changed, 40, 99.0, 1.0), (gone, 50, 100.0, 3.0),
        order_ids=(1, 2, 1, 1, 2), name="l3.npy",
    )  # fmt: skip
    _, records = imported(tmp_path, path, said=Said("x", "BTCUSDT"))
    assert [(order.action, order.order_id, order.size) for order in events(records, BookOrder)] == [
        ("add", "1", 2.0), ("add", "2", 3.0), ("fill", "1", 0.5), ("change", "1", 1.0), ("cancel", "2", 3.0),
    ]  # fmt: skip
    assert events(records, BookSnapshot)[0].bids == [(100.0, 2.0)]
    assert [delta.bids for delta in events(records, BookDelta)] == [
        [(100.0, 5.0)], [(100.0, 4.5)], [(100.0, 3.0), (99.0, 1.0)], [(100.0, 0.0)],
    ]  # fmt: skip


def test_their_converter_and_our_reader_say_the_same_of_one_file(recordings: Path, tmp_path: Path) -> None:
    book = csv(
        tmp_path, "book.csv", BOOK,
        "1582329602000000,1582329602100000,true,bid,9681,1", "1582329602000000,1582329602100000,true,ask,9683,2",
        "1582329602200000,1582329602500000,false,bid,9681.5,1.5", "1582329603200000,1582329603500000,false,ask,9683,0",
    )  # fmt: skip
    trades = recordings / TARDIS / "binance-futures_trades.csv.zst"
    plain = tmp_path / "trades.csv.gz"
    plain.write_bytes(gzip.compress(zstandard.ZstdDecompressor().decompressobj().decompress(trades.read_bytes())))
    converted = tmp_path / "theirs.npz"
    theirs.convert([str(plain), str(book)], str(converted), buffer_size=100_000)
    _, ours = imported(tmp_path, plain, book)
    _, again = imported(tmp_path, converted, said=Said("binance-futures", "BTCUSDT"))
    for kind in (BookDelta, BookSnapshot):
        assert [(event.bids, event.asks) for event in events(again, kind)] == [
            (event.bids, event.asks) for event in events(ours, kind)
        ]
    assert [(t.ts, t.price, t.size, t.side) for t in events(again, Trade)] == [
        (t.ts, t.price, t.size, t.side) for t in events(ours, Trade)
    ]


def test_a_real_recording_in_their_array_gives_the_book_of_the_venue(recordings: Path, tmp_path: Path) -> None:
    """Made by hftbacktest of frames that it recorded; the tops were computed from the same frames by nobody of us."""
    recording = recordings / "binance/hftbacktest/usdm_btcusdt_20240718.gz"
    converted = tmp_path / "real.npz"
    their_binance.convert(str(recording), str(converted), buffer_size=500_000)
    result, records = imported(tmp_path, converted, said=Said("binance-futures", "BTCUSDT"))
    assert (result.gaps, result.misfits) == (1, 0)  # it begins within a book, before the venue's whole one came

    shared = SharedState()
    fold, book = Reducer(shared).apply, shared.market("binance-futures", "BTCUSDT").book
    tops = []
    for record in records:
        fold(record)
        if isinstance(record.event, BookDelta | BookSnapshot) and book.is_ok:
            tops.append(book.touch())
    expected = recordings / "binance/expected/usdm_btcusdt_20240718-19.books.jsonl.zst"
    lines = zstandard.ZstdDecompressor().decompressobj().decompress(expected.read_bytes()).splitlines()
    of_this_file = [line for line in map(json.loads, lines) if line[0] == 0]
    assert len(of_this_file) == 3_321
    assert tops[-3_321:] == [tuple(map(float, line[4:8])) for line in of_this_file]

    said = (json.loads(line[20:]).get("data", {}) for line in gzip.decompress(recording.read_bytes()).splitlines())
    printed = [trade for trade in said if trade.get("e") == "trade" and trade["X"] == "MARKET"]
    assert len(printed) == 974
    assert sorted((trade.ts, trade.price, trade.size, trade.side) for trade in events(records, Trade)) == sorted(
        (trade["T"] * 1_000_000, float(trade["p"]), float(trade["q"]), "sell" if trade["m"] else "buy")
        for trade in printed
    )


def row() -> tuple[int, int, float, float]:
    return (hft.DEPTH_EVENT | hft.BUY_EVENT | both(), 10, 100.0, 1.0)


def test_an_array_that_cannot_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: Path, words: str, symbol: str = "BTCUSDT") -> None:
        with pytest.raises(WrongUse, match=words):
            imported(tmp_path, path, said=Said("x", symbol))

    refused(array(tmp_path, row()), "say --symbol", symbol="")
    refused(array(tmp_path, row(), (row()[0], 9, 100.0, 1.0)), "not sorted by local_ts")
    refused(array(tmp_path, (hft.DEPTH_EVENT | hft.BUY_EVENT | hft.EXCH_EVENT, 10, 100.0, 1.0)), "local side")
    refused(array(tmp_path, (99 | both(), 10, 100.0, 1.0)), "kind 99")
    np.savez(tmp_path / "other.npz", other=np.zeros(3))
    refused(tmp_path / "other.npz", "no array named data")
    np.savez(tmp_path / "old.npz", data=np.zeros((3, 6)))
    refused(tmp_path / "old.npz", "no event array of hftbacktest 2")
    whole = array(tmp_path, row()).read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
    refused(tmp_path / "cut.npz", "cannot be read as npz")
    path = array(tmp_path, row())

    def absent(name: str) -> None:
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr(hftbacktest, "import_module", absent)
    refused(path, r"pip install 'tapeline\[hftbacktest\]'")


# --- the command ---


def test_the_command_takes_them_like_recordings(
    recordings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"sqlite:///{tmp_path}/c.db"
    folder = recordings / TARDIS
    words = ["import", "binance-futures", str(folder / "binance-futures_trades.csv.zst")]
    words += [str(folder / "binance-futures_quotes.csv.zst"), "--log", url, "--tick", "0.1"]
    assert run(words) == 0
    assert "0 gaps" in capsys.readouterr().out
    assert run(["replay", "last", "--verify", "--log", url]) == 0
    assert run(["replay", "last", "--simulate", "plain", "--set", "size=0.01", "--log", url]) == 0
    assert "queue (conservative)" in capsys.readouterr().out
    for bad, said in (
        (["--tick", "wide"], "--tick takes a number"),
        (["--lot", "0"], "--lot must be above zero"),
        (["--kind", "swap"], "--kind is none of"),
    ):
        assert run([*words, *bad]) == 2
        assert said in capsys.readouterr().err
    frames = recordings / "bybit/cryptofeed/BYBIT.v5.2026-08-09.jsonl.zst"
    assert run(["import", "bybit", str(frames), "--symbol", "X", "--log", url]) == 2
    assert "frames say their markets themselves" in capsys.readouterr().err
    assert run([*words[:3], str(frames), "--log", url]) == 2
    assert "neither tardis CSV nor" in capsys.readouterr().err


def test_a_session_of_another_schema_version_gets_a_clear_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"sqlite:///{tmp_path}/log.db"
    imported(tmp_path, csv(tmp_path, "t.csv", TRADES, "1,2,id,buy,100.25,30"))
    with sqlite3.connect(tmp_path / "log.db") as connection:
        connection.execute("UPDATE sessions SET schema_version = schema_version + 1")
    connection.close()
    for command in (["calibrate", "s0"], ["replay", "s0", "--simulate", "plain"]):
        assert run([*command, "--log", url]) == 2
        assert "schema version" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("head", "row", "told"),
    [
        pytest.param(TRADES, "1000,2000,1,buy,nan,1", "a price or size is no number", id="a price that is none"),
        pytest.param(TRADES, "1000,2000,1,buy,10,inf", "a price or size is no number", id="a size without end"),
        pytest.param(TRADES, "1000,2000,1,buy,10,-1", "a price or size is no number", id="a size below zero"),
        pytest.param(TRADES, "1000,2000,1,buy", "columns are missing", id="a row cut short"),
        pytest.param(TRADES, f"1000,{10**20},1,buy,10,1", "whole µs since 1970", id="a time that no log holds"),
        pytest.param(TRADES, "-5,2000,1,buy,10,1", "whole µs since 1970", id="a time before 1970"),
        pytest.param(BOOK, "1000,2000,true,buy,10,1", "'buy' is no side", id="a side of trades in a book"),
        pytest.param(TRADES, "1000,2000,1,BUY,10,1", "'BUY' is no side", id="a side that is neither known nor unknown"),
        pytest.param(TRADES, "1000,2000,1,buy,-10,1", "a price or size is no number", id="a price below zero"),
        pytest.param(BOOK, "1000,2000,true,bid,0,1", "a price or size is no number", id="a level at zero"),
    ],
)
def test_a_row_that_is_none_is_refused_with_its_line(tmp_path: Path, head: str, row: str, told: str) -> None:
    path = csv(tmp_path, "bad.csv", head, row)
    with pytest.raises(WrongUse, match=f"bad.csv: line 2 .*{told}"):
        imported(tmp_path, path)
    with Log.open(f"sqlite:///{tmp_path}/log.db") as log:
        assert not log.sessions()


@pytest.mark.parametrize(
    ("rows", "words", "told"),
    [
        pytest.param(
            (b"BTCUSDT", b"ETHUSDT"), "BOTH", "line 3 .*here are BTCUSDT and ETHUSDT", id="two markets in one"
        ),
        pytest.param((b"BTCUSDT", b""), "", "line 3 .*it names no symbol: say --symbol", id="no market"),
        pytest.param((b"BTC\xff",), "", "line 2 .*it is not UTF-8", id="a name in another encoding"),
    ],
)
def test_a_market_without_a_name_of_its_own_is_refused(
    tmp_path: Path, rows: tuple[bytes, ...], words: str, told: str
) -> None:
    """Two books became one, and what was no text a market of replacement characters."""
    path = tmp_path / "t.csv"
    path.write_bytes(TRADES.encode() + b"".join(b"x,%b,1000,2000,1,buy,10,1\n" % name for name in rows))
    with pytest.raises(WrongUse, match=f"t.csv: {told}"):
        imported(tmp_path, path, said=Said("x", words))
    with Log.open(f"sqlite:///{tmp_path}/log.db") as log:
        assert not log.sessions()


def test_a_file_that_a_spreadsheet_has_written_is_read(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A mark before the heading made it a recording of an unknown venue."""
    path = tmp_path / "t.csv"
    rows = "\r\n".join((TRADES.strip(), "x,BTCUSDT,1000,2000,1,buy,10,1", ""))
    path.write_bytes(rows.encode("utf-8-sig"))
    assert run(["import", "x", str(path), "--log", f"sqlite:///{tmp_path}/log.db"]) == 0, capfd.readouterr().err
    with Log.open(f"sqlite:///{tmp_path}/log.db") as log:
        [trade] = events(list(log.records(log.find("last").id)), Trade)
    assert (trade.price, trade.size) == (10.0, 1.0)


def test_a_row_of_a_kind_that_is_not_known_is_told_before_the_session_is_opened(tmp_path: Path) -> None:
    """It was found within it, and a session that had crashed was left."""
    rows = [(hft.DEPTH_EVENT | hft.BUY_EVENT | both(), at, 100.0, 1.0) for at in range(10, 20)]
    path = array(tmp_path, *rows, (99 | both(), 20, 100.0, 1.0))
    with pytest.raises(WrongUse, match="kind 99"):
        imported(tmp_path, path, said=Said("x", "BTCUSDT"))
    with Log.open(f"sqlite:///{tmp_path}/log.db") as log:
        assert not log.sessions()


@pytest.mark.parametrize(
    ("field", "value"), [("px", np.nan), ("px", 0.0), ("px", -1.0), ("qty", -1.0), ("qty", np.inf), ("local_ts", -1)]
)
def test_an_array_with_a_number_that_is_none_is_refused_with_its_row(tmp_path: Path, field: str, value: float) -> None:
    rows = np.zeros(3, hft.event_dtype)
    rows["ev"], rows["exch_ts"], rows["local_ts"] = hft.DEPTH_EVENT | hft.BUY_EVENT | both(), [1, 2, 3], [1, 2, 3]
    rows["px"], rows["qty"] = 10, 1
    rows[field][1] = value
    np.savez(tmp_path / "bad.npz", data=rows)
    with pytest.raises(WrongUse, match=f"bad.npz: row 1: {field} cannot be"):
        imported(tmp_path, tmp_path / "bad.npz", said=Said("made", "BTCUSDT"))


def test_a_file_that_is_nothing_is_not_taken_for_an_unknown_venue(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty.csv").touch()
    (tmp_path / "other.csv").write_text("time,price\n1,2\n")
    for name, told in (("empty.csv", "nothing is in it"), ("other.csv", "neither tardis CSV nor an event array")):
        assert run(["import", "made", str(tmp_path / name), "--log", f"sqlite:///{tmp_path}/log.db"]) == 2
        said = capfd.readouterr().err
        assert told in said
        assert len(said.splitlines()) == 1
