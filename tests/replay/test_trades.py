"""Executions in the columns of other programs."""

from decimal import Decimal
from pathlib import Path

import pytest

from replay.books.trades import COLUMNS, Layout, executions, rows
from state.events import BalanceUpdate, FundingPayment, PlaceOrder
from state.log import Log
from tests.replay.told import OPENED, Told, fill, instrument

D = Decimal
VENUE, SYMBOL = "bybit", "BTCUSDT"


@pytest.fixture
def log_with_trades(tmp_path: Path) -> str:
    told = Told()
    told.say(instrument())
    told.say(BalanceUpdate(VENUE, "", OPENED, "USDT", D(1000)))
    told.ready()
    for name, side, tif in (("c1", "buy", "post_only"), ("c2", "sell", "gtc")):
        told.say(PlaceOrder(VENUE, SYMBOL, side, D("0.02"), D(60_000), tif=tif, client_id=name, strategy="plain"))  # type: ignore[arg-type]
    told.say(fill("f1", "buy", "60000.0", "0.010", "-0.12"))
    told.say(fill("f1", "buy", "60000.0", "0.010", "-0.12"))
    told.say(fill("f2", "buy", "60100.0", "0.010", "0.06"))
    told.say(FundingPayment(VENUE, SYMBOL, OPENED, "p1", D("-0.6"), "USDT", D("0.0005"), D("0.02"), D(60_000)))
    told.say(fill("f3", "sell", "60200.0", "0.015", "-0.3", client_id="c2"), after_ns=120_000_000_000)
    url = f"sqlite:///{tmp_path}/log.db"
    with Log.open(url) as log:
        told.write(log)
    return url


def table(url: str, layout: Layout) -> list[dict[str, str]]:
    with Log.open(url) as log:
        found = []
        for executed in executions(log, "last"):
            for row in rows(executed, layout):
                assert len(row) == len(COLUMNS[layout])
                found.append(dict(zip(COLUMNS[layout], row, strict=True)))
        return found


def test_generic_is_a_row_an_execution_each_once(log_with_trades: str) -> None:
    found = table(log_with_trades, "generic")
    assert [row["trade_id"] for row in found] == ["f1", "f2", "p1", "f3"]
    assert found[0]["fee"] == "-0.12"
    assert [row["realized_pnl"] for row in found] == ["0", "0", "-0.6", "2.5"]  # 0.01 x 200 + 0.005 x 100
    assert [row["position"] for row in found] == ["0.01", "0.02", "0.02", "0.005"]
    assert (found[3]["value"], found[3]["strategy"], found[3]["kind"]) == ("903", "plain", "trade")


def test_payments_of_one_hour_are_a_row_in_every_market(tmp_path: Path) -> None:
    """Hyperliquid, Binance and dYdX have one id for a moment, the same in all markets."""
    told = Told()
    told.ready()
    for symbol in (SYMBOL, "ETHUSDT", SYMBOL):
        told.say(FundingPayment(VENUE, symbol, OPENED, "1774742400000", D("-0.6"), "USDT"))
    url = f"sqlite:///{tmp_path}/log.db"
    with Log.open(url) as log:
        told.write(log)
    assert [row["symbol"] for row in table(url, "generic")] == [SYMBOL, "ETHUSDT"]


def test_hummingbot_has_its_own_fee_and_words(log_with_trades: str) -> None:
    first, _, last = table(log_with_trades, "hummingbot")
    assert (first["symbol"], first["trade_type"], first["order_type"], first["position"]) == (
        "BTC-USDT", "BUY", "LIMIT_MAKER", "OPEN",
    )  # fmt: skip
    assert first["timestamp"] == str(OPENED // 1_000_000)
    assert '"amount": "0.12"' in first["trade_fee"]
    assert (first["trade_fee_in_quote"], last["order_type"], last["position"]) == ("0.12", "LIMIT", "CLOSE")


def test_freqtrade_is_a_row_a_round_trip(log_with_trades: str) -> None:
    first, second = table(log_with_trades, "freqtrade")
    assert (first["pair"], first["amount"], first["open_rate"], first["close_rate"]) == (
        "BTC/USDT:USDT", "0.01", "60000", "60200",
    )  # fmt: skip
    assert first["trade_duration"] == "2"
    assert (second["amount"], second["open_rate"], second["is_short"]) == ("0.005", "60100", "False")
    # 200 x 0.01, less 0.12 for opening and two thirds of 0.3 for closing
    assert first["profit_abs"] == "1.68"
    assert second["profit_abs"] == "0.43"  # 0.5, half of the rebate of 0.06, a third of 0.3
    assert (first["fee_open"], first["stop_loss_abs"]) == ("0.0002", "")


def test_bybit_is_the_venues_own_statement(log_with_trades: str) -> None:
    first, second, funding, last = table(log_with_trades, "bybit")
    assert (first["type"], first["side"], first["fee"], first["change"]) == ("TRADE", "Buy", "0.12", "-0.12")
    assert (second["fee"], second["change"], second["feeRate"]) == ("-0.06", "0.06", "-0.000099833611")
    assert (funding["type"], funding["funding"], funding["change"], funding["size"]) == (
        "SETTLEMENT",
        "-0.6",
        "-0.6",
        "0.02",
    )
    assert last["size"] == "0.005"
    assert [row["cashBalance"] for row in (first, second, funding)] == ["999.88", "999.94", "999.34"]
    for row in (first, second, last):
        assert D(row["change"]) == D(row["cashFlow"]) - D(row["fee"])
    assert D(last["cashBalance"]) == D("999.34") + D("0.015") * 150 - D("0.3")  # booked at average cost


def test_binance_lists_its_fills_by_quantity_and_commission(log_with_trades: str) -> None:
    first, second, last = table(log_with_trades, "binance")
    assert (first["buyer"], first["side"], first["qty"], first["quoteQty"], first["commission"]) == (
        "true", "BUY", "0.01", "600", "0.12",
    )  # fmt: skip
    assert (second["commission"], last["realizedPnl"], last["positionSide"]) == ("-0.06", "2.5", "BOTH")


def test_hyperliquid_says_where_a_position_came_from_and_went(log_with_trades: str) -> None:
    first, second, last = table(log_with_trades, "hyperliquid")
    assert [row["startPosition"] for row in (first, second, last)] == ["0", "0.01", "0.02"]
    assert [row["dir"] for row in (first, second, last)] == ["Open Long", "Open Long", "Close Long"]
    assert (first["side"], last["side"], last["closedPnl"], last["fee"]) == ("B", "A", "2.5", "0.3")


def test_dydx_says_who_gave_liquidity(log_with_trades: str) -> None:
    first, second, last = table(log_with_trades, "dydx")
    assert (first["side"], first["market"], first["fee"], second["fee"]) == ("BUY", SYMBOL, "0.12", "-0.06")
    assert {first["liquidity"], last["type"], last["marketType"]} <= {"MAKER", "TAKER", "", "LIMIT", "PERPETUAL"}
