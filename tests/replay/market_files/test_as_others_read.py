"""Others' market data read as others read it: tardis by its documentation and by hftbacktest's converter and engine."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import numpy as np
import pytest

from app.cli import run
from replay.market_files.source import Said
from state.errors import WrongUse
from state.events import BookDelta, BookSnapshot, InstrumentDefined, Rejected, Ticker, Trade
from state.log import Log
from state.record import Record
from state.reducer import Reducer
from state.shared import SharedState
from tests.later import Later
from tests.replay.market_files.test_market_files import BOOK, HEAD, TRADES, array, both, csv, events, imported

hft = Later("hftbacktest")
theirs = Later("hftbacktest.data.utils.tardis")

Level = tuple[float, float]


def streamed(seed: int) -> list[str]:
    """Rows as tardis writes them: changes before the first snapshot, snapshots of one message and of several, new connections."""
    rng, at, rows = Random(seed), 1_700_000_000_000_000, list[str]()

    def told(is_snapshot: bool, levels: Sequence[tuple[str, float, float]]) -> None:
        nonlocal at
        at += rng.randint(1, 9_000)
        word = "true" if is_snapshot else "false"
        rows.extend(f"{at - 700},{at},{word},{side},{price},{size}" for side, price, size in levels)

    def side_of(side: str) -> list[tuple[str, float, float]]:
        away = -1 if side == "bid" else 1
        return [(side, 100 + away * step / 2, float(rng.randint(1, 9))) for step in range(1, 9)]

    told(False, [("bid", 99.0, 3.0)])
    for _ in range(6):
        for message in rng.choice(([side_of("bid") + side_of("ask")], [side_of("bid"), side_of("ask")])):
            told(True, message)
        for _ in range(rng.randint(1, 25)):
            changed = [(side, price, rng.choice((0.0, size))) for side, price, size in side_of("bid") + side_of("ask")]
            told(False, rng.sample(changed, rng.randint(1, 4)))
    return rows


def by_the_documentation(rows: Sequence[str]) -> list[tuple[dict[float, float], dict[float, float]]]:
    """docs.tardis.dev, faq/order-books: a book reset where a snapshot follows what was none, read where local_timestamp ends."""
    books: tuple[dict[float, float], dict[float, float]] = ({}, {})
    found, was_snapshot, begun = [], False, False
    split = [row.split(",") for row in rows]
    for number, (_, recv, word, side, price, size) in enumerate(split):
        is_snapshot = word == "true"
        begun = begun or is_snapshot
        if is_snapshot and not was_snapshot:
            books[0].clear(), books[1].clear()
        was_snapshot = is_snapshot
        known = books[side == "ask"]
        known.pop(float(price), None)
        if begun and float(size):
            known[float(price)] = float(size)
        if begun and (number + 1 == len(split) or split[number + 1][1] != recv):
            found.append((dict(books[0]), dict(books[1])))
    return found


def folded(records: list[Record], venue: str) -> list[tuple[int, list[Level], list[Level]]]:
    """The whole book after everything that was received at a time."""
    shared = SharedState()
    fold, book = Reducer(shared).apply, shared.market(venue, "BTCUSDT").book
    found: dict[int, tuple[int, list[Level], list[Level]]] = {}
    for record in records:
        fold(record)
        if isinstance(record.event, BookDelta | BookSnapshot):
            found[record.recv] = (record.recv, list(book.bids()), list(book.asks()))
    return list(found.values())


@pytest.mark.parametrize("seed", range(12))
def test_a_book_is_read_as_their_documentation_says(tmp_path: Path, seed: int) -> None:
    rows = streamed(seed)
    _, records = imported(tmp_path, csv(tmp_path, "incremental_book_L2.csv", BOOK, *rows))
    expected = by_the_documentation(rows)
    found = folded(records, "binance-futures")
    assert [(dict(bids), dict(asks)) for _, bids, asks in found] == expected
    assert all(bids == sorted(bids, reverse=True) and asks == sorted(asks) for _, bids, asks in found)


@pytest.mark.parametrize("seed", range(4))
def test_hftbacktest_has_the_same_touch_of_the_same_file(tmp_path: Path, seed: int) -> None:
    """Their converter reads the file, their engine keeps the book."""
    path = csv(tmp_path, "incremental_book_L2.csv", BOOK, *streamed(seed))
    _, records = imported(tmp_path, path)
    converted = theirs.convert([str(path)], buffer_size=10_000)
    ends = np.array([(hft.TRADE_EVENT | both(), 2 * 10**18, 2 * 10**18, 1.0, 0.0, 0, 0, 0.0)], dtype=hft.event_dtype)
    events_of_theirs = np.concatenate([converted, ends])
    asset = hft.BacktestAsset().data([events_of_theirs]).linear_asset(1.0).constant_order_latency(0, 0)
    asset = asset.risk_adverse_queue_model().no_partial_fill_exchange().trading_value_fee_model(0, 0)
    backtest = hft.HashMapMarketDepthBacktest([asset.tick_size(0.5).lot_size(1.0)])
    compared = 0
    last_of_snapshots = {record.recv for record in records if isinstance(record.event, BookSnapshot)}
    for recv, bids, asks in folded(records, "binance-futures"):
        backtest.elapse(recv - int(backtest.current_timestamp))
        depth = backtest.depth(0)
        if not (bids and asks) or recv in last_of_snapshots:
            continue  # they tell a snapshot only once it is over
        compared += 1
        assert (depth.best_bid, depth.best_bid_qty, depth.best_ask, depth.best_ask_qty) == (*bids[0], *asks[0]), recv
    backtest.close()
    assert compared > 30


def test_quotes_beside_a_book_are_tickers_and_leave_it_alone(tmp_path: Path) -> None:
    """They were snapshots of one level, which took the place of the book at each change of the touch."""
    quotes = f"{HEAD},ask_amount,ask_price,bid_price,bid_amount\n"
    book = csv(
        tmp_path, "incremental_book_L2.csv", BOOK,
        "1,10,true,bid,100,1", "1,10,true,bid,99,2", "1,10,true,ask,101,3", "2,30,false,bid,98,4",
    )  # fmt: skip
    touch = csv(tmp_path, "quotes.csv", quotes, "1,20,3,101,100,1", "1,25,,,100,1")
    for files in ((book, touch), (touch, book)):
        _, records = imported(tmp_path, *files)
        assert events(records, Ticker) == [
            Ticker("binance-futures", "BTCUSDT", 1_000, bid=100.0, bid_size=1.0, ask=101.0, ask_size=3.0),
            Ticker("binance-futures", "BTCUSDT", 1_000, bid=100.0, bid_size=1.0),
        ]
        assert folded(records, "binance-futures")[-1][1:] == ([(100.0, 1.0), (99.0, 2.0), (98.0, 4.0)], [(101.0, 3.0)])


def test_a_book_that_is_told_twice_and_a_file_that_is_given_twice_are_refused(tmp_path: Path) -> None:
    one = csv(tmp_path, "incremental_book_L2.csv", BOOK, "1,10,true,bid,100,1")
    other = csv(
        tmp_path, "s.csv", f"{HEAD},asks[0].price,asks[0].amount,bids[0].price,bids[0].amount\n", "1,20,101,1,100,1"
    )
    with pytest.raises(WrongUse, match="book of BTCUSDT is told twice, by incremental_book_L2 and by book_snapshot_1"):
        imported(tmp_path, one, other)
    with pytest.raises(WrongUse, match="given twice"):
        imported(tmp_path, one, tmp_path / "." / one.name)


IN_CONTRACTS = [
    ("okex-swap", "BTC-USDT-SWAP", True), ("binance-delivery", "BTCUSD_PERP", True), ("deribit", "BTC-PERPETUAL", True),
    ("deribit", "BTC_USDC-PERPETUAL", False), ("bybit", "BTCUSD", True), ("bybit", "BTCUSDT", False),
    ("binance-futures", "BTCUSDT", False), ("okex", "BTC-USDT", False),
]  # fmt: skip


@pytest.mark.parametrize(("exchange", "symbol", "refused"), IN_CONTRACTS)
def test_sizes_in_contracts_are_not_taken_for_base_units(
    tmp_path: Path, exchange: str, symbol: str, refused: bool
) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"{TRADES}{exchange},{symbol},1,2,id,buy,100.5,30\n")
    if refused:
        with pytest.raises(WrongUse, match=f"sizes of {symbol} at {exchange} are contracts: say --contract-size"):
            imported(tmp_path, path)
    _, records = imported(tmp_path, path, said=Said("v", contract_size=Decimal("0.01") if refused else None))
    assert events(records, Trade)[0].size == (0.3 if refused else 30.0)
    assert events(records, InstrumentDefined)[0].lot == (Decimal("0.01") if refused else 1)


def test_an_inverse_market_settles_in_its_base_and_keeps_its_contracts(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"{TRADES}binance-delivery,BTCUSD_PERP,1,2,id,buy,100.5,30\n")
    _, records = imported(tmp_path, path, said=Said("v", contract_size=Decimal(100), inverse=True))
    [rules] = events(records, InstrumentDefined)
    assert (rules.inverse, rules.contract_size, rules.base, rules.quote, rules.settle, rules.lot) == (
        True, 100, "BTC", "USD", "BTC", 1,
    )  # fmt: skip
    assert events(records, Trade)[0].size == 30.0


def test_single_orders_that_a_clearing_took_are_gone(tmp_path: Path) -> None:
    """Their sizes were taken off the level a second time when they were cancelled."""
    add, gone = (kind | both() | hft.BUY_EVENT for kind in (10, 11))
    clear = hft.DEPTH_CLEAR_EVENT | both()
    path = array(
        tmp_path, (add, 10, 100.0, 2.0), (clear, 20, 0.0, 0.0), (add, 30, 100.0, 3.0), (gone, 40, 100.0, 2.0),
        order_ids=(1, 0, 2, 1),
    )  # fmt: skip
    _, records = imported(tmp_path, path, said=Said("x", "BTCUSDT"))
    assert folded(records, "x")[-1][1] == [(100.0, 3.0)]


def test_a_market_that_settles_in_another_asset_is_simulated_with_a_balance_in_that(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every order was refused for want of a balance, and nothing said that there were dollars of another kind."""
    rows = [f"1000000,1000000,true,{side}" for side in ("bid,100,5", "ask,101,5")]
    rows += [f"{at}000000,{at}000000,false,bid,100,{at}" for at in range(2, 20)]
    path = tmp_path / "incremental_book_L2.csv"
    path.write_text(BOOK + "".join(f"x,BTCUSDC,{row}\n" for row in rows))
    url = f"sqlite:///{tmp_path}/c.db"
    assert run(["import", "v", str(path), "--log", url]) == 0
    capsys.readouterr()
    words = [
        "replay",
        "last",
        "--simulate",
        "plain",
        "--set",
        "size=1",
        "--set",
        "max_position=1",
        "--log",
        url,
        "--json",
    ]
    for said in ([], ["--set", "paper.asset=USDT"]):
        assert run([*words, *said]) == 0
        fact = msgspec.json.decode(capsys.readouterr().out, type=dict[str, Any])
        assert fact["summary"]["orders"] > 0
        assert any(f"account: 100000 {'USDT' if said else 'of each asset'}" in it for it in fact["assumptions"])
        with Log.open(url) as log:
            told = [it.event.text for it in log.records(fact["session"]) if isinstance(it.event, Rejected)]
        assert told == ["the account has no USDC: it began with USDT (`asset` of the paper settings)"] * len(told)
        assert bool(told) is bool(said)


def test_a_simulation_that_cannot_begin_leaves_no_session_behind(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An empty one stayed in the log as running, and was what `last` means."""
    url = f"sqlite:///{tmp_path}/log.db"
    path = csv(tmp_path, "incremental_book_L2.csv", BOOK, "1,1,true,bid,100,1", "1,1,true,ask,101,1")
    imported(tmp_path, path)
    assert run(["replay", "last", "--simulate", "plain", "--set", "size=0", "--log", url]) == 2
    assert "size" in capsys.readouterr().err
    with Log.open(url) as log:
        assert [row.status for row in log.sessions()] == ["closed"]
