"""Rows of the loopback OKX have the fields of the recorded ones, with values of the same kind, and no invented ones."""

from __future__ import annotations

import json
import re

from tests.adapters.loopback.okx.okx_wire import BTC, KEY, SPOT, started

NUMBER = re.compile(r"-?\d+(\.\d+)?")
INSTRUMENT = {
    "instIdCode", "upcChg", "auctionEndTime", "contTdSwTime", "preMktSwTime", "futureSettlement", "openType", "maxPlatOILmt",
    "maxMktAmt", "posLmtAmt", "posLmtPct", "ruleType", "tradeQuoteCcyList", "groupId",
}  # fmt: skip
"""What the venue has added to instruments since the older samples were taken; so below for other rows."""
PUSHED = {
    "code", "msg", "amendResult", "amendSource", "reqId", "lastPx", "notionalUsd", "fillFee", "fillFeeCcy", "fillPnl",
    "fillNotionalUsd", "fillMarkPx", "fillIdxPx", "fillFwdPx", "fillMarkVol", "fillPxUsd", "fillPxVol",
}  # fmt: skip
"""What the fact sheet's order has on the socket beyond the sample's."""
ACCOUNT = {
    "availEq", "accAvgPx", "clSpotInUseAmt", "maxSpotInUseAmt", "colBorrAutoConversion", "coinUsdPrice",
    "collateralEnabled", "collateralRestrict", "openAvgPx", "smtSyncEq", "spotBal", "spotCopyTradingEq", "spotUpl",
    "spotUplRatio", "totalPnl", "totalPnlRatio", "notionalUsdForBorrow", "notionalUsdForFutures", "notionalUsdForOption",
    "notionalUsdForSwap", "borrowFroz",
}  # fmt: skip
POSITION = {"baseBal", "quoteBal"}
CONFIG = {
    "enableSpotBorrow", "liquidationGear", "spotBorrowAutoRepay", "type",
}  # fmt: skip
BILL = {"earnAmt", "earnApr", "fillPxUsd", "fillPxVol", "fillFwdPx", "fillMarkVol"}

MARKET, OWN = "jkorf/Endpoints/UnifiedApi/ExchangeData", "jkorf/Endpoints/UnifiedApi/Account"
ENDPOINTS = [
    (f"{MARKET}/GetServerTime.txt", "public/time", set()),
    (f"{MARKET}/GetSymbols.txt", "public/instruments?instType=SPOT", INSTRUMENT),
    ("nautilus/http_get_instruments_swap.json", "public/instruments?instType=SWAP", {"upcChg", "groupId"}),
    (f"{MARKET}/GetMarkPrices.txt", f"public/mark-price?instType=SWAP&instId={BTC}", set()),
    (f"{MARKET}/GetFundingRates.txt", f"public/funding-rate?instId={BTC}", {"nextFundingRate"}),
    (f"{MARKET}/GetFundingRateHistory.txt", f"public/funding-rate-history?instId={BTC}", set()),
    (f"{MARKET}/GetOpenInterests.txt", f"public/open-interest?instType=SWAP&instId={BTC}", {"oiUsd"}),
    (f"{MARKET}/GetLimitPrice.txt", f"public/price-limit?instId={BTC}", set()),
    (f"{MARKET}/GetPositionTiers.txt", "public/position-tiers?instType=SWAP&tdMode=cross&instFamily=BTC-USDT", set()),
    (f"{MARKET}/GetUnderlying.txt", "public/underlying?instType=SWAP", set()),
    (f"{MARKET}/GetOrderBook.txt", f"market/books?instId={BTC}&sz=5", {"seqId"}),
    (f"{MARKET}/GetRecentTrades.txt", f"market/trades?instId={BTC}", set()),
    (f"{MARKET}/GetTradeHistory.txt", f"market/history-trades?instId={BTC}", set()),
    (f"{MARKET}/GetKlines.txt", f"market/candles?instId={BTC}", set()),
    (f"{MARKET}/GetKlineHistory.txt", f"market/history-candles?instId={BTC}", set()),
    (f"{MARKET}/GetMarkPriceKlines.txt", f"market/mark-price-candles?instId={BTC}", set()),
    (f"{MARKET}/GetIndexKlines.txt", "market/index-candles?instId=BTC-USDT", set()),
    (f"{MARKET}/GetTicker.txt", f"market/ticker?instId={BTC}", set()),
    (f"{MARKET}/GetTickers.txt", "market/tickers?instType=SWAP", set()),
    (f"{MARKET}/GetIndexTickers.txt", "market/index-tickers?instId=BTC-USDT", set()),
    (f"{OWN}/GetAccountBalance.txt", "account/balance", ACCOUNT),
    ("nautilus/http_get_account_balance.json", "account/balance", ACCOUNT),
    (f"{OWN}/GetAccountPositions.txt", "account/positions", POSITION),
    (f"{OWN}/GetAccountConfiguration.txt", "account/config", CONFIG),
    (f"{OWN}/GetAccountLeverage.txt", f"account/leverage-info?mgnMode=cross&instId={BTC}", {"ccy"}),
    (f"{OWN}/GetFeeRates.txt", "account/trade-fee?instType=SPOT", {"ruleType", "uly", "feeGroup"}),
    (f"{OWN}/GetMaximumAmount.txt", f"account/max-size?instId={BTC}&tdMode=cross", set()),
    (f"{OWN}/GetMaximumAvailableAmount.txt", f"account/max-avail-size?instId={BTC}&tdMode=cross", set()),
    (f"{OWN}/GetBillHistory.txt", "account/bills?type=2", BILL),
    ("nautilus/http_get_orders_pending.json", "trade/orders-pending", set()),
    ("nautilus/http_get_orders_history.json", "trade/orders-history?instType=SWAP&state=filled", set()),
]
STREAMS = "jkorf/Subscriptions/Unified/ExchangeData"
BTC_CHANNEL = {"instId": BTC}
CHANNELS = [
    (f"{STREAMS}/OrderBook.txt", "public", {"channel": "books"} | BTC_CHANNEL, set()),
    ("nautilus/ws_books_snapshot.json", "public", {"channel": "books"} | BTC_CHANNEL, set()),
    (f"{STREAMS}/Trades.txt", "public", {"channel": "trades"} | BTC_CHANNEL, {"seqId"}),
    (f"{STREAMS}/Ticker.txt", "public", {"channel": "tickers"} | BTC_CHANNEL, set()),
    (f"{STREAMS}/Ticker.txt", "public", {"channel": "tickers", "instId": SPOT}, set()),
    (f"{STREAMS}/MarkPrice.txt", "public", {"channel": "mark-price"} | BTC_CHANNEL, set()),
    (f"{STREAMS}/IndexTicker.txt", "public", {"channel": "index-tickers", "instId": "BTC-USDT"}, set()),
    (f"{STREAMS}/FundingRate.txt", "public", {"channel": "funding-rate"} | BTC_CHANNEL, set()),
    (f"{STREAMS}/Interest.txt", "public", {"channel": "open-interest"} | BTC_CHANNEL, {"oiUsd"}),
    (f"{STREAMS}/PriceLimit.txt", "public", {"channel": "price-limit"} | BTC_CHANNEL, {"instType"}),
    (f"{STREAMS}/Symbol.txt", "public", {"channel": "instruments", "instType": "SPOT"}, INSTRUMENT),
    ("nautilus/ws_instruments.json", "public", {"channel": "instruments", "instType": "SWAP"}, INSTRUMENT),
    (f"{STREAMS}/Klines.txt", "business", {"channel": "candle1D"} | BTC_CHANNEL, set()),
    (f"{STREAMS}/MarkPriceKlines.txt", "business", {"channel": "mark-price-candle1D"} | BTC_CHANNEL, set()),
    (f"{STREAMS}/IndexKlines.txt", "business", {"channel": "index-candle1D", "instId": "BTC-USDT"}, set()),
    ("nautilus/ws_account.json", "private", {"channel": "account"}, ACCOUNT),
    ("nautilus/ws_orders.json", "private", {"channel": "orders", "instType": "SWAP"}, PUSHED),
]


def sample(text: str) -> dict:
    """The frame or answer in a file: bare JSON, after the lines of a call, or after the `=` of a subscription."""
    for mark in ("\n= ", "\ntrue\n", "\nfalse\n"):
        text = text.split(mark, 1)[-1]
    return json.loads(text)


def kind(value: object) -> str:
    """What kind of value a field has; a text that is empty may stand for any text."""
    if isinstance(value, str):
        return "number" if NUMBER.fullmatch(value) else "word" if value else "empty"
    return type(value).__name__


def compare(ours: object, theirs: object, newer: set[str], where: str = "") -> None:
    """Raises where a field is missing, is of another kind, or is one that nobody has seen."""
    if isinstance(theirs, dict):
        assert isinstance(ours, dict), where
        assert theirs.keys() - ours.keys() == set(), where
        assert ours.keys() - theirs.keys() - newer == set(), where
        for name, value in theirs.items():
            compare(ours[name], value, newer, f"{where}.{name}")
    elif isinstance(theirs, list):
        assert isinstance(ours, list), where
        is_tuple = bool(theirs) and kind(theirs[0]) == "number"
        assert not is_tuple or len(ours) == len(theirs), where
        for place, (mine, their) in enumerate(zip(ours, theirs, strict=False)):
            compare(mine, their, newer, f"{where}[{place}]")
    else:
        kinds = {kind(ours), kind(theirs)}
        assert len(kinds - {"empty"}) <= 1, f"{where}: {ours!r} and {theirs!r}"


async def test_rows_of_rest_are_those_of_the_samples(recordings) -> None:
    async with started() as client:
        await client.place(ordType="market", px=None, sz="2", clOrdId="a")
        await client.place(clOrdId="b")
        client.venue.floor.fund(BTC, client.now_ms())
        for path, ask, newer in ENDPOINTS:
            answer = await client.ask(ask)
            assert (answer.status, answer.code, answer.body["msg"]) == (200, "0", ""), ask
            assert answer.rows, ask
            compare(answer.rows[0], sample((recordings / "okx" / path).read_text())["data"][0], newer, ask)
        placed = await client.place(clOrdId="c")
        compare(
            placed.row,
            sample((recordings / "okx/nautilus/http_place_order_response.json").read_text()),
            {"ts", "subCode"},
        )


async def test_rows_of_channels_are_those_of_the_samples(recordings) -> None:
    async with started() as client:
        for path, lane, arg, newer in CHANNELS:
            socket = await (client.private() if lane == "private" else client.open(f"/{lane}"))
            await socket.subscribe(**arg)
            if arg["channel"] == "orders":
                while not client.venue.subscribed(KEY, "orders"):
                    await socket.hear()
                await client.place(ordType="market", px=None)
            while arg["channel"] == "trades" and not client.venue.topics():
                await socket.hear()
            client.venue.step(30)
            message = await socket.hear_from(arg["channel"])
            while arg["channel"] == "orders" and message["data"][0]["state"] != "filled":
                message = await socket.hear_from("orders")
            theirs = sample((recordings / "okx" / path).read_text())
            compare(message["data"][0], theirs["data"][0], newer, arg["channel"])
            extra = {"uid", "eventType", "curPage", "lastPage", "action"}
            assert message.keys() - theirs.keys() - extra == set()
            await socket.raw.close()
