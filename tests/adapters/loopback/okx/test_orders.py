"""Orders on the loopback OKX over REST: what is refused and how, and how those that are taken end."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest

from adapters.loopback.orders import Side
from tests.adapters.loopback.okx.okx_wire import BTC, CONTRACT, ETH, KEY, SPOT, order, started

REFUSED = [
    ("without an instrument", {"instId": None}, "50014"),
    ("for an instrument that is not listed", {"instId": "XRP-USDT-SWAP"}, "51001"),
    ("of spot, which is not traded here", {"instId": SPOT, "tdMode": "cash"}, "50062"),
    ("without a margin mode", {"tdMode": None}, "50014"),
    ("with the margin apart", {"tdMode": "isolated"}, "51000"),
    ("to a side that there is not", {"side": "Buy"}, "51000"),
    ("of a type that there is not", {"ordType": "stop"}, "51000"),
    ("of a position side of the other mode", {"posSide": "long"}, "51000"),
    ("without a size", {"sz": None}, "50014"),
    ("of less than a lot", {"sz": "0.001"}, "51020"),
    ("off the lot", {"sz": "1.005"}, "51121"),
    ("of no size", {"sz": "0"}, "51000"),
    ("of a size that is no number", {"sz": "one"}, "51000"),
    ("of more than may be", {"sz": "100000001"}, "51101"),
    ("of more than may be at the market", {"ordType": "market", "sz": "12001"}, "51202"),
    ("without a price", {"px": None}, "50014"),
    ("off the tick", {"px": "64500.05"}, "51000"),
    ("to buy above the limit", {"px": "99000"}, "51137"),
    ("to sell below the limit", {"side": "sell", "px": "1000"}, "51138"),
    ("with a client id with a dash", {"clOrdId": "a-1"}, "51000"),
    ("with a client id of 33 letters", {"clOrdId": "a" * 33}, "51000"),
    ("with a tag of 17 letters", {"tag": "t" * 17}, "51000"),
    ("of more than the account can carry", {"sz": "100000"}, "51008"),
    ("that may only reduce what is not held", {"reduceOnly": True}, "51169"),
    ("with a rule on itself that there is not", {"stpMode": "none"}, "51000"),
    ("whole or not, both gone where it meets itself", {"ordType": "fok", "stpMode": "cancel_both"}, "51000"),
    ("with orders attached, which are not served", {"attachAlgoOrds": [{"tpTriggerPx": "1"}]}, "51000"),
]


async def test_an_order_is_refused_with_its_code_under_a_status_of_200() -> None:
    async with started() as client:
        for sentence, fields, code in REFUSED:
            answer = await client.place(**fields)
            assert (answer.status, answer.code, answer.said) == (200, "1", code), sentence
            assert answer.row["ordId"] == "", sentence
        assert client.venue.truth(KEY).orders == {}


ENDS = [
    ("a limit order rests", {}, "live", ""),
    ("one that may only make, far away, rests", {"ordType": "post_only"}, "live", ""),
    (
        "one that may only make is cancelled where it would take",
        {"ordType": "post_only", "px": "65900"},
        "canceled",
        "31",
    ),
    ("what is not filled at once is cancelled", {"ordType": "ioc"}, "canceled", "14"),
    ("what is not filled whole is cancelled", {"ordType": "fok", "sz": "1000000", "px": "1.0"}, "canceled", "13"),
    ("a market order fills", {"ordType": "market", "px": None}, "filled", ""),
    ("one of the older kind fills too", {"ordType": "optimal_limit_ioc", "px": None}, "filled", ""),
]


async def test_an_order_that_is_taken_ends_as_its_type_says() -> None:
    async with started() as client:
        for number, (sentence, fields, state, source) in enumerate(ENDS):
            answer = await client.place(clOrdId=f"o{number}", **fields)
            assert (answer.code, answer.said) == ("0", "0"), sentence
            row = await client.order(f"o{number}")
            assert (row["state"], row["cancelSource"]) == (state, source), sentence


async def test_an_order_brought_to_the_price_limit_rests_there() -> None:
    async with started() as client:
        await client.place(clOrdId="a", side="sell", px="1000", pxAmendType="1", sz="0.01")
        limit = (await client.get(f"public/price-limit?instId={BTC}")).row["sellLmt"]
        assert (await client.order("a"))["px"] == limit


async def test_a_client_id_is_free_again_once_its_order_is_over() -> None:
    async with started() as client:
        await client.place(clOrdId="a")
        assert (await client.place(clOrdId="a")).said == "51016"
        await client.cancel("a")
        assert (await client.place(clOrdId="a", sz="100000")).said == "51008"
        assert (await client.order("a"))["state"] == "canceled"
        again = await client.place(clOrdId="a")
        assert again.said == "0"
        assert (await client.order("a"))["ordId"] == again.row["ordId"]


AMENDS = [
    ("with nothing to amend", {}, "51500"),
    ("of an order that is not there", {"clOrdId": "zz", "newSz": "2"}, "51503"),
    ("of no order", {"clOrdId": "", "newSz": "2"}, "51407"),
    ("off the lot", {"newSz": "1.005"}, "51121"),
    ("off the tick", {"newPx": "64500.05"}, "51000"),
    ("beyond the funds", {"newSz": "99999"}, "51502"),
    ("with a request id with a dash", {"newSz": "2", "reqId": "a-1"}, "51000"),
]


async def test_an_amendment_is_refused_with_its_code_and_changes_nothing() -> None:
    async with started() as client:
        await client.place(clOrdId="a")
        for sentence, fields, code in AMENDS:
            fields = {"clOrdId": "a"} | fields
            assert (await client.amend(fields.pop("clOrdId"), **fields)).said == code, sentence
        row = await client.order("a")
        assert (row["px"], row["sz"]) == ("64500", "1")


async def test_an_amendment_to_what_is_filled_makes_the_order_filled() -> None:
    async with started() as client:
        price = client.best("asks") - Decimal("0.1")
        await client.place(clOrdId="a", side="sell", px=str(price), sz="100")
        client.street(Side.BUY, price, "30")
        assert (await client.order("a"))["state"] == "partially_filled"
        assert (await client.amend("a", newSz="0.01")).said == "0"
        row = await client.order("a")
        assert (row["state"], row["sz"], row["accFillSz"]) == ("filled", "30", "30")
        assert client.venue.truth(KEY).open_orders == {}
        assert (await client.amend("a", newSz="200")).said == "51503"


async def test_an_order_that_only_reduces_is_cut_to_what_is_held_and_gone_with_it() -> None:
    async with started() as client:
        await client.place(ordType="market", px=None, sz="3")
        far = str(client.best("asks") + 500)
        await client.place(clOrdId="r", side="sell", px=far, sz="5", reduceOnly=True)
        assert (await client.order("r"))["sz"] == "3"
        assert (await client.place(reduceOnly="true")).said == "51170"
        await client.place(ordType="market", px=None, side="sell", sz="2")
        assert (await client.order("r"))["sz"] == "1"
        closed = await client.post("trade/close-position", {"instId": BTC, "mgnMode": "cross", "clOrdId": "x"})
        assert closed.row == {"instId": BTC, "posSide": "net", "clOrdId": "x", "tag": ""}
        row = await client.order("r")
        assert (row["state"], row["cancelSource"]) == ("canceled", "2")
        assert (await client.post("trade/close-position", {"instId": BTC, "mgnMode": "cross"})).code == "51023"


SELVES = [
    ("the one that rests goes, unless told otherwise", {}, "canceled", "live"),
    ("the one that comes goes", {"stpMode": "cancel_taker"}, "live", "canceled"),
    ("both go", {"stpMode": "cancel_both"}, "canceled", "canceled"),
]


@pytest.mark.parametrize(("fields", "maker", "taker"), [s[1:] for s in SELVES], ids=[s[0] for s in SELVES])
async def test_an_account_never_trades_with_itself(fields, maker, taker) -> None:
    async with started() as client:
        price = str(client.best("asks") - Decimal("0.1"))
        await client.place(clOrdId="maker", side="sell", px=price)
        await client.place(clOrdId="taker", px=price, **fields)
        rows = [await client.order(name) for name in ("maker", "taker")]
        assert [row["state"] for row in rows] == [maker, taker]
        assert {row["cancelSource"] for row in rows if row["state"] == "canceled"} == {"32"}
        assert client.venue.truth(KEY).fills == []


async def test_a_batch_says_whether_all_some_or_none_went() -> None:
    async with started() as client:
        good, bad = order(clOrdId="g"), order(sz="0")
        for items, code, said in (
            ([good], "0", ["0"]),
            ([order(), bad], "2", ["0", "51000"]),
            ([bad, bad], "1", ["51000", "51000"]),
        ):
            answer = await client.post("trade/batch-orders", items)
            assert (answer.status, answer.code, [row["sCode"] for row in answer.rows]) == (200, code, said)
        assert (await client.post("trade/batch-orders", [good] * 21)).code == "51111"
        assert (await client.post("trade/order", [good, good])).code == "60013"
        changes = [{"instId": BTC, "clOrdId": "g", "newSz": "2"}, {"instId": ETH, "clOrdId": "g", "newSz": "2"}]
        answer = await client.post("trade/amend-batch-orders", changes)
        assert (answer.code, [row["sCode"] for row in answer.rows]) == ("2", ["0", "51503"])


DEADLINES = [("past", -1_000, "50036"), ("to come", 60_000, "0")]


@pytest.mark.parametrize(("ahead_ms", "code"), [d[1:] for d in DEADLINES], ids=[d[0] for d in DEADLINES])
async def test_a_deadline_that_is(ahead_ms, code) -> None:
    async with started() as client:
        deadline = str(client.now_ms() + ahead_ms)
        for path, content in (
            ("trade/order", order(clOrdId="a")),
            ("trade/amend-order", {"instId": BTC, "clOrdId": "a", "newSz": "2"}),
        ):
            assert (await client.post(path, content, expTime=deadline)).said == code
        assert (await client.post("trade/order", order(), expTime="soon")).code == "51000"


async def test_orders_and_fills_are_listed_newest_first_and_paged_by_their_ids() -> None:
    async with started() as client:
        for number in range(5):
            await client.place(clOrdId=f"o{number}", sz=str(number + 1))
        pending = (await client.ask("trade/orders-pending")).rows
        assert [row["clOrdId"] for row in pending] == ["o4", "o3", "o2", "o1", "o0"]
        after = (await client.ask(f"trade/orders-pending?after={pending[1]['ordId']}&limit=2")).rows
        assert [row["clOrdId"] for row in after] == ["o2", "o1"]
        before = (await client.ask(f"trade/orders-pending?before={pending[1]['ordId']}")).rows
        assert [row["clOrdId"] for row in before] == ["o4"]
        await client.place(ordType="market", px=None, sz="300")
        await client.place(ordType="market", px=None, side="sell", sz="300")
        fills = (await client.ask("trade/fills")).rows
        assert [row["billId"] for row in fills] == sorted((row["billId"] for row in fills), reverse=True)
        assert {row["subType"] for row in fills} == {"3", "5"}
        older = (await client.ask(f"trade/fills-history?instType=SWAP&after={fills[0]['billId']}&limit=1")).rows
        assert older == fills[1:2]
        assert (await client.ask(f"trade/fills?ordId={fills[-1]['ordId']}")).rows[0]["side"] == "buy"
        bills = (await client.ask("account/bills")).rows
        assert [row["billId"] for row in bills] == [row["billId"] for row in fills]
        assert Decimal(bills[0]["bal"]) == round(client.venue.truth(KEY).wallet, 16)


async def test_an_order_that_ended_unfilled_is_in_the_history_for_two_hours_and_not_in_the_archive() -> None:
    now_ms = int(time.time() * 1000)
    async with started(clock=lambda: now_ms) as client:
        await client.place(clOrdId="a")
        await client.cancel("a")
        history = (await client.ask("trade/orders-history?instType=SWAP")).rows
        assert [(row["clOrdId"], row["state"]) for row in history] == [("a", "canceled")]
        assert (await client.ask("trade/orders-history-archive?instType=SWAP")).rows == []
        assert (await client.ask("trade/orders-history")).code == "50014"
        assert (await client.ask(f"trade/order?instId={BTC}&clOrdId=b")).code == "51603"
        assert (await client.order("a"))["state"] == "canceled"
        now_ms += 7_200_000
        assert (await client.ask(f"trade/order?instId={BTC}&clOrdId=a")).code == "51603"
        assert (await client.ask("trade/orders-history?instType=SWAP")).rows == []


async def test_the_venues_truth_is_what_its_rows_say() -> None:
    async with started() as client:
        await client.place(clOrdId="a", ordType="market", px=None, sz="2.5")
        await client.place(clOrdId="b", ordType="market", px=None, side="sell", sz="4")
        await client.place(clOrdId="c")
        client.venue.floor.fund(BTC, client.now_ms())
        truth = client.venue.truth(KEY)
        held = (await client.ask("account/positions")).row
        assert (set(truth.orders), set(truth.open_orders)) == ({"a", "b", "c"}, {"c"})
        assert Decimal(held["pos"]) * CONTRACT == truth.positions[BTC].size == Decimal("-0.015")
        assert (-Decimal(held["fee"]), Decimal(held["fundingFee"])) == (truth.positions[BTC].fees, truth.funding)
        parts = [Decimal(held[name]) for name in ("pnl", "fee", "fundingFee")]
        assert sum(parts) == Decimal(held["realizedPnl"]) == truth.positions[BTC].realized
        assert truth.wallet == 100_000 + truth.realized - truth.fees + truth.funding
        fills = (await client.ask("trade/fills")).rows
        assert sum(Decimal(row["fee"]) for row in fills) == -truth.fees
        assert sum(Decimal(row["balChg"]) for row in (await client.ask("account/bills")).rows) == truth.wallet - 100_000
