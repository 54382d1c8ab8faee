"""Amounts of two assets are never added, and an inverse contract is worth its contract size: sums over several markets."""

from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from pyarrow import parquet

from app.cli import run
from app.commands.sweep import SweepFact
from replay.compare import StrategyLine, compare
from state.events import Fill, InstrumentDefined, PlaceOrder, SessionOpened
from state.log import Log
from state.manifest import Manifest
from state.record import Record
from streams.testing import book
from tests.replay.lab.sessions import Said, Tapeline
from tests.replay.lab.several import COIN, INVERSE, LINEAR, OPENED, SECOND, STRATEGY, VENUE, record

D = Decimal
# What was bought at the first book and sold at another, at the touch; what is left is worth the last mid.
BOUGHT = {LINEAR: D("1001"), COIN: D("51"), INVERSE: D("50001")}
SOLD = {LINEAR: D("1039.5"), COIN: D("92"), INVERSE: D("50044.5")}
LAST = {LINEAR: D("1060"), COIN: D("110"), INVERSE: D("50060")}


@pytest.fixture
def tapeline(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Tapeline:
    """The command line on a log of its own, in which the market is."""
    monkeypatch.setenv("TAPELINE_LOG", f"sqlite:///{tmp_path}/log.db")
    record(f"sqlite:///{tmp_path}/log.db")

    def call(*words: str) -> Said:
        capfd.readouterr()
        return Said(run(words), *capfd.readouterr())

    return call


def swept(tapeline: Tapeline, *words: str) -> SweepFact:
    said = tapeline("sweep", STRATEGY, "20251231", "--workers", "1", *words, "--json")
    assert said.code == 0, said.err
    return msgspec.json.decode(said.out, type=SweepFact)


def test_a_strategy_whose_parameters_name_no_market_is_simulated_once(tapeline: Tapeline) -> None:
    """It ran once for each market, and held as many times what it was to hold."""
    assert tapeline("replay", "20251231", "--simulate", STRATEGY, "--set", "times=2").code == 0
    orders = msgspec.json.decode(tapeline("orders", "last", "--json").out, type=list[dict[str, object]])
    assert sorted((str(it["symbol"]), str(it["size"])) for it in orders) == [
        (LINEAR, "0.2"), (LINEAR, "0.4"), (INVERSE, "30"), (INVERSE, "60"), (COIN, "4"), (COIN, "8"),
    ]  # fmt: skip


def test_a_sweep_over_several_assets_wants_to_know_which_is_counted(tapeline: Tapeline, tmp_path: Path) -> None:
    """It added bitcoins to dollars, and chose a set by the sum."""
    said = tapeline("sweep", STRATEGY, "20251231", "--workers", "1", "--grid", "times=1,2")
    assert (said.code, said.out) == (2, "")
    assert "settles in BTC, USDC, USDT" in said.err
    [row] = swept(tapeline, "--grid", "times=1", "--asset", "BTC", "-o", str(tmp_path / "rows.parquet")).rows
    it = row.outcome
    assert it.asset == "BTC"
    assert it.realized == pytest.approx(1_500 / BOUGHT[INVERSE] - 1_500 / SOLD[INVERSE], abs=D("1e-15"))
    assert it.unrealized == pytest.approx(1_500 / BOUGHT[INVERSE] - 1_500 / LAST[INVERSE], abs=D("1e-15"))
    assert it.turnover == 4_500, "USD, what the contracts were worth"
    assert it.pnl == it.realized + it.unrealized + it.fees + it.funding
    alone = {
        symbol: swept(tapeline, "--grid", f"symbols={symbol}").rows[0].outcome for symbol in (LINEAR, COIN, INVERSE)
    }
    assert [alone[symbol].asset for symbol in (LINEAR, COIN, INVERSE)] == ["USDT", "USDC", "BTC"]
    assert it.pnl == alone[INVERSE].pnl
    assert it.elsewhere == {"USDC": alone[COIN].pnl, "USDT": alone[LINEAR].pnl}
    assert all(it.funding < 0 for it in alone.values())
    assert f"--asset BTC --from {row.first}" in row.command
    [line] = parquet.read_table(tmp_path / "rows.parquet").to_pylist()
    assert (line["asset"], line["elsewhere"]) == ("BTC", f"{alone[COIN].pnl:f} USDC, {alone[LINEAR].pnl:f} USDT")


def test_sets_are_held_against_each_other_in_one_asset_alone(tapeline: Tapeline) -> None:
    words = ("--grid", f"symbols={LINEAR},{COIN}", "--folds", "1")
    said = tapeline("sweep", STRATEGY, "20251231", "--workers", "1", *words)
    assert said.code == 2
    assert "PnL in USDC, USDT: say --asset" in said.err
    [fold] = swept(tapeline, *words, "--asset", "USDC").folds
    assert fold.chosen == 1
    said = tapeline("sweep", STRATEGY, "20251231", "--workers", "1", "--grid", "times=1", "--asset", "USD")
    assert said.code == 2
    assert "nothing that was traded settles in USD: BTC, USDC, USDT can be counted" in said.err


def test_strategies_side_by_side_have_turned_over_quote_and_earned_what_settles(tapeline: Tapeline) -> None:
    """The dollars of inverse contracts stood there as bitcoins."""
    assert tapeline("replay", "20251231", "--simulate", STRATEGY).code == 0
    [line] = msgspec.json.decode(tapeline("compare", "last", "--json").out, type=list[StrategyLine])
    assert line.turnover == {
        "USDT": D("0.2") * BOUGHT[LINEAR] + D("0.1") * SOLD[LINEAR],
        "USDC": 4 * BOUGHT[COIN] + 2 * SOLD[COIN],
        "USD": D(4_500),
    }
    assert line.pnl is not None
    assert line.pnl.keys() == {"USDT", "USDC", "BTC"}


def test_a_spot_fee_in_base_is_size_that_never_came_and_no_loss_beside_it(tapeline: Tapeline, tmp_path: Path) -> None:
    """It was taken off twice: two coins less a fee of a hundredth are worth 1.99 at the last mid."""
    url, one, spot = f"sqlite:///{tmp_path}/spot.db", D(1), "CUSDT"
    events = (
        SessionOpened("spot", 1),
        InstrumentDefined("v", spot, None, "C", "USDT", "USDT", "spot", one, one, one, D(0)),
        msgspec.structs.replace(book(100, 102), venue="v", symbol=spot),
        PlaceOrder("v", spot, "buy", D(2), D(100), client_id="a", strategy="mine"),
        Fill("v", spot, None, "f", "o", "a", "buy", D(100), D(2), D("-0.01"), "C", maker=True),
    )
    with Log.open(url) as log:
        writer = log.begin("spot", Manifest(seed=1).to_json(), 1)
        for seq, event in enumerate(events, 1):
            writer.append(Record(seq, seq, 0, event))
        writer.close(9)
        [line] = compare(log, "spot")
    assert (line.positions, line.fees) == ({"v CUSDT": D("1.99")}, {"C": D("-0.01")})
    assert line.pnl == {"USDT": D("1.99") * 101 - 200}


def test_a_calibration_has_an_account_in_each_asset_and_reads_the_fees_of_inverse_contracts(tapeline: Tapeline) -> None:
    """Its account had the asset alone that was defined last: every other order was missed."""
    assert tapeline("replay", "20251231", "--simulate", STRATEGY, "--set", "paper.taker_fee_bps=3").code == 0
    fact = tapeline("calibrate", "last", "--fit-on", "0.7", "--json").fact()
    orders, settings, after = fact["orders"], fact["settings"], fact["after"]
    assert isinstance(orders, list)
    assert isinstance(settings, dict)
    assert isinstance(after, dict)
    assert {it["symbol"]: it["verdict"] for it in orders} == dict.fromkeys((LINEAR, COIN, INVERSE), "matched")
    assert settings["taker_fee_bps"] == "3"
    assert {asset: float(it) for asset, it in after["fee_residual"].items()} == {"BTC": 0, "USDC": 0, "USDT": 0}


def test_an_inverse_contract_is_traded_at_its_contract_size(tapeline: Tapeline) -> None:
    """Contracts were taken for coins: 30 at 50,001 for a million and a half, and fees for a billionth of it."""
    assert tapeline("replay", "20251231", "--simulate", STRATEGY).code == 0
    books = tapeline("books", "last", "--json").fact()["markets"]
    assert isinstance(books, list)
    assert {it["symbol"]: it["turnover"] for it in books}[INVERSE] == "4500"
    rows = {
        layout: [
            row
            for row in msgspec.json.decode(tapeline("trades", "last", "--layout", layout, "--json").out)
            if INVERSE in row.values() or row.get("pair") == "BTC/USD:BTC"
        ]
        for layout in ("generic", "bybit", "freqtrade", "binance")
    }
    assert [row["value"] for row in rows["generic"]] == ["3000", "", "1500"], "bought, funded, sold half"
    assert [row["feeRate"] for row in rows["bybit"]] == ["0.00055", "0.0003", "0.00055"]
    assert [row["quoteQty"] for row in rows["binance"]] == ["3000", "1500"]
    [trip] = rows["freqtrade"]
    stake = 1_500 / BOUGHT[INVERSE]
    assert D(trip["stake_amount"]) == pytest.approx(stake, rel=D("1e-15"))
    assert (trip["fee_open"], trip["fee_close"]) == ("0.00055", "0.00055")
    assert D(trip["profit_ratio"]) == pytest.approx(D(trip["profit_abs"]) / stake, abs=D("1e-11"))


def test_a_simulation_that_was_ended_ended_at_its_last_moment(tapeline: Tapeline, tmp_path: Path) -> None:
    """It stood there as one that had ended when it began, with thousands of events."""
    (tmp_path / "ended.py").write_text(ENDED)
    assert tapeline("replay", "20251231", "--simulate", f"{tmp_path}/ended.py:ended").code == 130
    row = msgspec.json.decode(tapeline("sessions", "--json").out, type=list[dict[str, object]])[-1]
    assert (row["status"], row["closed"]) == ("crashed", OPENED + 60 * SECOND)


ENDED = f"""
from streams import operators as op


def ended(feeds):
    seen = []

    def decided(mid):
        seen.append(mid)
        if len(seen) == 60:
            raise KeyboardInterrupt
        return []

    return feeds.market({VENUE!r}, {LINEAR!r}).book.pipe(op.mid(), op.map(decided), op.each())
"""


def test_a_recording_without_the_rules_of_its_markets_is_told_as_that(tapeline: Tapeline, tmp_path: Path) -> None:
    """It was said to have no such market, while `state` showed its book."""
    url = f"sqlite:///{tmp_path}/bare.db"
    with Log.open(url) as log:
        writer = log.begin("bare", Manifest(seed=1, source="import").to_json(), 1)
        for seq, event in enumerate((SessionOpened("bare", 1), book()), 1):
            writer.append(Record(seq, seq, 0, event))
        writer.close(2)
    for words in (("replay", "bare", "--simulate", "plain"), ("lookahead", "plain", "bare")):
        said = tapeline(*words, "--log", url)
        assert said.code == 2
        assert "does not say the rules (tick, lot) of" in said.err
