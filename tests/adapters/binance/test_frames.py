"""Frames and answers that others recorded or documented, by value."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from adapters.base.query import Query
from adapters.binance.exchange import Decoder
from adapters.binance.formats import Formats
from state.events import (
    BalanceUpdate,
    FeedStatus,
    OrderUpdate,
)
from tests.adapters.binance.conftest import read_zst

D = Decimal


def test_frames_of_nautilus_read_raw_with_their_values(recordings: Path) -> None:
    folder = recordings / "binance/nautilus/futures/market_data_json"
    decoder = Decoder()

    def read(name: str) -> Any:
        (event,) = decoder.receive((folder / f"{name}.json").read_bytes(), 0)
        return event

    ticker = read("ticker_stream")
    assert (ticker.symbol, ticker.last, ticker.volume_24h) == ("BTCUSDT", 16584.6, 122474.816)
    mark = read("mark_price_stream")
    assert (mark.mark, mark.index, mark.funding_rate, mark.next_funding) == (
        11794.15, 11784.62659091, 0.00038167, 1562306400000_000_000,
    )  # fmt: skip
    touch = read("book_ticker_stream")
    assert (touch.symbol, touch.bid, touch.bid_size, touch.ask, touch.ask_size) == (
        "BNBUSDT",
        25.3519,
        31.21,
        25.3652,
        40.66,
    )
    trade, aggregated = read("trade_stream"), read("agg_trade_stream")
    assert (trade.trade_id, trade.price, trade.size, trade.side) == ("5933014", 0.001, 100.0, "sell")
    assert (aggregated.trade_id, aggregated.ts) == ("5933014", 123456785_000_000)
    candle = read("kline_stream_open")
    assert (candle.open, candle.close, candle.interval_s, candle.closed) == (0.001, 0.002, 60, False)
    connecting = read("depth_update_stream")
    assert (connecting.channel, connecting.status) == ("book", "connecting")
    events = decoder.receive(b'{"lastUpdateId":158,"bids":[],"asks":[]}', 0)
    assert events[-1].bids == [(0.0024, 10.0)]  # type: ignore[union-attr]


def test_answers_of_nautilus_read_with_their_values(recordings: Path) -> None:
    formats, folder = Formats("binance", "linear"), recordings / "binance/nautilus/futures/http_json"
    (one,) = formats.answer("order", (folder / "order_response.json").read_bytes())[0]
    assert isinstance(one, OrderUpdate)
    assert (one.client_id, one.order_id, one.status, one.price, one.size, one.avg_price, one.version) == (
        "testOrder123", "12345678", "open", D(50000), D("0.001"), None, 1625474304765,
    )  # fmt: skip
    (balance,) = formats.answer("wallet", (folder / "balance.json").read_bytes())[0]
    assert balance == BalanceUpdate("binance", "", 1617939110373_000_000, "USDT", D("122.12345678"), D("122.12345678"))


def subscription_frame(path: Path) -> bytes:
    """The frame a venue sent, from a JKorf transcript: what follows the line `= `."""
    return path.read_text().split("=", 1)[1].strip().encode()


def test_transcripts_of_jkorf_read_with_their_values(recordings: Path) -> None:
    streams = recordings / "binance/jkorf/Subscriptions/Spot/ExchangeData"
    decoder = Decoder("spot")
    values = {}
    for name in ("Trades", "AggregatedTrades", "BookTicker", "Ticker", "PartialBook", "Klines"):
        (values[name],) = decoder.receive(subscription_frame(streams / f"{name}.txt"), 0)
    told: Any = values
    assert (told["Trades"].trade_id, told["Trades"].size, told["Trades"].side) == ("12345", 100.0, "sell")
    assert told["AggregatedTrades"].trade_id == "12345"
    assert (told["BookTicker"].ask, told["BookTicker"].ts) == (25.3652, None)
    assert (told["Ticker"].last, told["Ticker"].bid, told["Ticker"].ask_size) == (0.0025, 0.0024, 100.0)
    assert (told["PartialBook"].bids, told["PartialBook"].update_id, told["PartialBook"].depth) == (
        [(0.0024, 10.0)],
        160,
        5,
    )
    assert told["Klines"].turnover == 1.0
    (unknown,) = decoder.receive(subscription_frame(streams / "MiniTicker.txt"), 0)
    assert isinstance(unknown, FeedStatus), "nobody subscribes that"

    def answer(name: str, action: str, **query: Any) -> Any:
        body = (
            (recordings / f"binance/jkorf/Endpoints/UsdFutures/ExchangeData/{name}.txt").read_text().split("\n", 3)[3]
        )
        return Formats("binance", "linear").answer(action, body.encode(), Query(**query))[0]

    (instrument,) = answer("GetExchangeInfo", "instruments")
    assert (instrument.symbol, instrument.tick, instrument.lot, instrument.min_notional, instrument.funding_interval_s) == (
        "BLZUSDT", D("0.0001"), D(1), D("5.0"), 28_800,
    )  # fmt: skip
    (book,) = answer("GetOrderBook", "book", symbol="X")
    assert (book.bids, book.update_id) == ([(4.0, 431.0)], 1027024)
    (trade,) = answer("GetAggregatedTradeHistory", "trades", symbol="X")
    assert (trade.trade_id, trade.price, trade.side, trade.backfilled) == ("26129", 0.01633102, "sell", True)
    (candle,) = answer("GetKlines", "klines", symbol="X")
    assert (candle.open, candle.volume, candle.trades, candle.closed) == (0.0163479, 148976.11427815, 308, False)
    (day,) = answer("GetTicker", "tickers")
    assert (day.last, day.volume_24h) == (4.000002, 8913.3)
    (mark,) = answer("GetMarkPrice", "mark_prices")
    assert (mark.mark, mark.funding_rate, mark.next_funding) == (11793.63104562, 0.00038246, 1597392000000_000_000)
    (touch,) = answer("GetBookPrice", "book_tickers")
    assert (touch.bid, touch.ask_size) == (4.0, 9.0)
    (interest,) = answer("GetOpenInterest", "open_interest")
    assert interest.open_interest == 10659.509


def test_answers_that_gocryptotrader_recorded_read_whole(recordings: Path) -> None:
    text = "\n".join(read_zst(recordings / "binance/gocryptotrader/http.json.zst"))
    routes = json.loads(text)["routes"]
    counted = {}
    for market, paths in {
        "linear": ["aggTrades", "depth", "exchangeInfo", "klines", "premiumIndex", "openInterest", "ticker/bookTicker"],
        "spot": ["aggTrades", "depth", "exchangeInfo", "klines", "ticker/24hr", "ticker/bookTicker", "trades"],
    }.items():
        root = "/fapi/v1/" if market == "linear" else "/api/v3/"
        for path in paths:
            for answer in routes[root + path]["GET"]:
                url = f"https://x{root}{path}?{answer['queryString']}"
                events = Decoder(market).http(url, json.dumps(answer["data"]).encode(), 0)
                refused = isinstance(answer["data"], dict) and "code" in answer["data"]
                assert [isinstance(e, FeedStatus) for e in events] == [refused] * len(events), url
                counted[market, path] = counted.get((market, path), 0) + len(events)
    assert counted["linear", "exchangeInfo"] > 20
    assert counted["spot", "klines"] > 100
    assert [path for (_, path), count in counted.items() if not count] == ["aggTrades"], "spot asks for single trades"


def test_frames_of_spot_accounts_are_passed_over_and_market_frames_read(recordings: Path) -> None:
    decoder, kinds = Decoder("spot"), []
    for line in (recordings / "binance/gocryptotrader/wsHandleData.jsonl").read_text().splitlines():
        kinds.append([type(event).__name__ for event in decoder.receive(line.encode(), 0)])
    assert kinds == [["Ticker"], ["Candle"], ["Trade"], ["FeedStatus"], [], [], [], []]


def test_frames_recorded_by_tardis_read_as_tardis_reads_them(recordings: Path) -> None:
    decoder, compared = Decoder("spot"), 0
    for text in (recordings / "binance/tardis-node/mapping_cases_binance.jsonl").read_text().splitlines():
        case = json.loads(text)
        events: list[Any] = list(decoder.receive(json.dumps(case["message"]).encode(), 0))
        changes = [event for event in events if type(event).__name__ in ("BookSnapshot", "BookDelta")]
        for want in case["expected"]:
            match want["type"]:
                case "trade":
                    got = events[0].trade_id, events[0].price, events[0].size, events[0].side
                    assert got == (want["id"], want["price"], want["amount"], want["side"])
                case "book_ticker":
                    (event,) = events
                    got = event.bid, event.bid_size, event.ask, event.ask_size
                    assert got == (want["bidPrice"], want["bidAmount"], want["askPrice"], want["askAmount"])
                case "book_change":
                    sides: dict[str, dict[float, float]] = {"bids": {}, "asks": {}}
                    for change in changes:  # tardis folds what was buffered into the snapshot
                        sides["bids"] |= dict(change.bids)
                        sides["asks"] |= dict(change.asks)
                    for side, levels in sides.items():
                        assert levels == {level["price"]: level["amount"] for level in want[side]}
                case other:
                    raise AssertionError(other)
            compared += 1
    assert compared >= 7


def test_the_trades_of_a_real_account_give_its_position(recordings: Path) -> None:
    """Spot trades in another program's words, put into the venue's own: what remains is bought less sold less fees paid in it."""
    told = json.loads("\n".join(read_zst(recordings / "binance/bbgo/BTCUSDT-myTrades.json.zst")))
    rows = [
        {
            "symbol": row["symbol"], "id": row["id"], "orderId": row["gid"], "side": row["side"], "price": str(row["price"]),
            "qty": str(row["quantity"]), "commission": str(D(str(row["fee"]))), "commissionAsset": row["feeCurrency"],
            "time": 1, "maker": row["isMaker"], "realizedPnl": "",
        }
        for row in told
    ]  # fmt: skip
    fills: list[Any] = list(
        Formats("binance", "linear").answer("executions", json.dumps(rows).encode(), Query(limit=5000))[0]
    )
    held = sum(fill.size if fill.side == "buy" else -fill.size for fill in fills)
    held += sum(fill.fee for fill in fills if fill.fee_asset == "BTC")
    assert (len(fills), held) == (3_432, D("0.72970242"))
