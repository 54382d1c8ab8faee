"""The private socket of the loopback OKX: login, what is told of orders, positions and money, and entering orders."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest

from adapters.conformance.leaps import LATE_S, leap
from adapters.loopback import Account, Fault, Place
from adapters.loopback.okx import RateLimits
from adapters.loopback.orders import Side
from tests.adapters.loopback.okx.okx_wire import BTC, BTC_CODE, CUSTOMER, ETH, KEY, coded, started
from tests.patience import PATIENCE_S

ORDERS = {"channel": "orders", "instType": "SWAP"}
UID = str(CUSTOMER.uid)


async def rows_of(socket, count: int) -> list[dict]:
    """The next rows of `orders`, one to a frame."""
    found = []
    for _ in range(count):
        (row,) = (await socket.hear_from("orders"))["data"]
        found.append(row)
    return found


LOGINS = [
    ("a key that nobody has", {"key": "nobody"}, "60032"),
    ("a signature of something else", {"sign": "x"}, "60007"),
    ("another passphrase", {"passphrase": "x"}, "60024"),
    ("a time in milliseconds", {"at": "1704876947.5"}, "60004"),
    ("a time long past", {"at": "1704876947"}, "60006"),
    ("all as it should be", {}, "0"),
]


async def test_a_login_is_by_key_signature_passphrase_and_time() -> None:
    async with started() as client:
        for sentence, fields, code in LOGINS:
            socket = await client.open("/private")
            assert (await socket.login(**fields))["code"] == code, sentence
            if code != "0":
                ended = await socket.raw.receive(timeout=PATIENCE_S)
                assert (ended.data, ended.extra) == (4001, "Login Failed"), sentence
        assert (await socket.login())["code"] == "60031"
        assert (await socket.subscribe(**ORDERS))["event"] == "subscribe"
        assert await socket.hear_event("channel-conn-count") == {
            "event": "channel-conn-count", "channel": "orders", "connCount": "1",
            "connId": client.venue.connections(Place.PRIVATE)[-1].conn_id,
        }  # fmt: skip


STORIES = [
    ("far away it is live", {}, ["live"]),
    ("at the market it is live, then filled", {"ordType": "market", "px": None, "sz": "0.01"}, ["live", "filled"]),
    ("taking as post-only it is canceled alone", {"ordType": "post_only", "px": "65900"}, ["canceled"]),
    ("unfilled at once it is live, then canceled", {"ordType": "ioc"}, ["live", "canceled"]),
]


async def test_every_order_is_live_first_whatever_becomes_of_it() -> None:
    async with started() as client:
        socket = await client.private(ORDERS)
        for sentence, fields, states in STORIES:
            await client.place(**fields)
            assert [row["state"] for row in await rows_of(socket, len(states))] == states, sentence


async def test_fills_are_told_one_by_one_with_what_each_cost_and_all_did() -> None:
    async with started() as client:
        socket = await client.private(ORDERS)
        price = client.best("asks") - Decimal("0.1")
        await client.place(clOrdId="m", side="sell", px=str(price), sz="5")
        client.street(Side.BUY, price, "2")
        client.street(Side.BUY, price, "3")
        live, first, last = await rows_of(socket, 3)
        assert (live["tradeId"], live["fillSz"], live["accFillSz"]) == ("", "0", "0")
        assert [row["state"] for row in (first, last)] == ["partially_filled", "filled"]
        assert [(row["fillSz"], row["accFillSz"]) for row in (first, last)] == [("2", "2"), ("3", "5")]
        assert Decimal(first["fillFee"]) + Decimal(last["fillFee"]) == Decimal(last["fee"]) < 0
        assert (last["execType"], last["fillPx"], last["avgPx"]) == ("M", str(price), str(price))
        assert [fill.exec_id for fill in client.venue.truth(KEY).fills] == [first["tradeId"], last["tradeId"]]


async def test_an_amendment_is_answered_on_the_channel_by_its_request_id() -> None:
    async with started() as client:
        socket = await client.private(ORDERS)
        await client.place(clOrdId="a", ordType="post_only")
        await client.amend("a", newSz="2", reqId="q1")
        await client.amend("a", newPx="65900", reqId="q2")
        await client.amend("a", newSz="2", reqId="q3")
        await client.amend("a", newPx="65900", reqId="q4", cxlOnFail=True)
        names = ("reqId", "amendResult", "code", "state", "px", "sz", "amendSource")
        told = [tuple(row[name] for name in names) for row in await rows_of(socket, 5)]
        assert told == [
            ("", "", "0", "live", "64500", "1", ""),
            ("q1", "0", "0", "live", "64500", "2", "1"),
            ("q2", "-1", "51511", "live", "64500", "2", "1"),
            ("q3", "0", "0", "live", "64500", "2", "1"),
            ("q4", "1", "51511", "canceled", "64500", "2", "1"),
        ]


async def test_an_order_that_the_venue_cut_says_why() -> None:
    async with started() as client:
        await client.place(ordType="market", px=None, sz="3")
        socket, far = await client.private(ORDERS), str(client.best("asks") + 500)
        await client.place(clOrdId="r", side="sell", px=far, sz="5", reduceOnly=True)
        await client.amend("r", newSz="4", newPx=str(Decimal(far) + 1), reqId="q1")
        await client.place(ordType="market", px=None, side="sell", sz="1")
        cut, amended = await rows_of(socket, 2)
        assert [(row["sz"], row["amendSource"]) for row in (cut, amended)] == [("3", "3"), ("3", "2")]
        told = {(row["clOrdId"], row["sz"], row["amendSource"]) for row in await rows_of(socket, 3)}
        assert ("r", "2", "4") in told


async def test_a_new_listener_is_told_what_is_and_then_what_changes() -> None:
    async with started() as client:
        await client.place(ordType="market", px=None, sz="2")
        socket = await client.private()
        for arg in ({"channel": "positions", "instType": "ANY"}, {"channel": "account", "ccy": "USDT"}):
            await socket.subscribe(**arg)
            snapshot = await socket.hear_from(arg["channel"])
            assert (snapshot["eventType"], snapshot["curPage"], snapshot["lastPage"]) == ("snapshot", 1, True)
            assert snapshot["arg"] == arg | {"uid": UID}
        await socket.subscribe(channel="balance_and_position")
        both = (await socket.hear_from("balance_and_position"))["data"][0]
        assert (both["eventType"], both["posData"][0]["pos"], both["trades"]) == ("snapshot", "2", [])
        await client.place(ordType="market", px=None, side="sell", sz="2")
        both = (await socket.hear_from("balance_and_position"))["data"][0]
        held = (await socket.hear_from("positions"))["data"][0]
        money = (await socket.hear_from("account"))["data"][0]
        truth = client.venue.truth(KEY)
        assert (both["eventType"], both["posData"][0]["pos"]) == ("filled", "0")
        assert [trade["tradeId"] for trade in both["trades"]] == [truth.fills[-1].exec_id]
        assert (held["pos"], held["tradeId"]) == ("0", truth.fills[-1].exec_id)
        assert Decimal(both["balData"][0]["cashBal"]) == Decimal(money["details"][0]["cashBal"]) == truth.wallet
        await client.post("account/set-leverage", {"instId": BTC, "lever": "5", "mgnMode": "cross"})
        both = (await socket.hear_from("balance_and_position"))["data"][0]
        held = (await socket.hear_from("positions"))["data"][0]
        assert (both["eventType"], held["lever"]) == ("set_leverage", "5")


async def test_funding_is_told_where_the_sheet_says() -> None:
    async with started() as client:
        await client.place(ordType="market", px=None, sz="2")
        socket = await client.private({"channel": "balance_and_position"}, {"channel": "positions", "instType": "SWAP"})
        before = client.venue.truth(KEY).wallet
        client.venue.floor.fund(BTC, client.now_ms())
        both = (await socket.hear_from("balance_and_position"))["data"][0]
        held = (await socket.hear_from("positions"))["data"][0]
        assert (both["eventType"], both["trades"]) == ("funding_fee", [])
        assert Decimal(both["balData"][0]["cashBal"]) - before == Decimal(held["fundingFee"]) < 0


async def test_account_and_positions_are_said_again_every_five_seconds_unless_told_not_to() -> None:
    now_ms = int(time.time() * 1000)
    async with started(clock=lambda: now_ms) as client:
        await client.place(ordType="market", px=None)
        often = await client.private({"channel": "account"})
        never = await client.private({"channel": "account", "extraParams": '{"updateInterval": "0"}'})
        for socket in (often, never):
            assert (await socket.hear_from("account"))["eventType"] == "snapshot"
        now_ms += 5_001
        client.venue.tick()
        assert (await often.hear_from("account"))["eventType"] == "event_update"
        await client.place(clOrdId="a")
        told = await never.hear_from("account")
        assert Decimal(told["data"][0]["ordFroz"]) > 0


async def test_a_subscription_hears_what_it_is_of_and_no_other_account() -> None:
    other = Account("OTHER", "SECRET", uid=2, passphrase=CUSTOMER.passphrase)
    async with started(accounts=[CUSTOMER, other]) as client:
        eth = await client.private({"channel": "orders", "instType": "SWAP", "instId": ETH})
        family = await client.private({"channel": "orders", "instType": "SWAP", "instFamily": "BTC-USDT"})
        stranger = await client.open("/private")
        await stranger.login(key="OTHER")
        await stranger.subscribe(**ORDERS)
        await client.place(clOrdId="b")
        await client.place(clOrdId="e", instId=ETH, px="1900")
        assert (await rows_of(eth, 1))[0]["clOrdId"] == "e"
        assert (await rows_of(family, 1))[0]["clOrdId"] == "b"
        await stranger.raw.send_str("ping")
        assert (await stranger.hear_event("channel-conn-count"))["connCount"] == "1"
        assert await stranger.raw.receive_str(timeout=PATIENCE_S) == "pong"


async def test_a_thirty_first_socket_of_a_channel_is_refused() -> None:
    async with started() as client:
        sockets = [await client.private({"channel": "account"}) for _ in range(30)]
        assert (await sockets[-1].hear_event("channel-conn-count"))["connCount"] == "30"
        late = await client.private()
        assert (await late.subscribe(channel="account"))["event"] == "subscribe"
        assert (await late.hear())["event"] == "channel-conn-count-error"
        await sockets[0].subscribe(channel="account", ccy="USDT")
        assert (await sockets[0].hear_from("account"))["eventType"] == "snapshot"


async def test_fills_are_a_channel_of_the_sixth_tier() -> None:
    async with started(vip_level=5) as client:
        socket = await client.private()
        assert (await socket.subscribe(channel="fills"))["code"] == "64003"
    async with started(vip_level=6) as client:
        socket = await client.private({"channel": "fills", "instId": BTC})
        await client.place(clOrdId="a", ordType="market", px=None)
        (row,) = (await socket.hear_from("fills"))["data"]
        assert (row["clOrdId"], row["execType"]) == ("a", "T")


COMMANDS = [
    ("an order without its code", "order", {"instIdCode": None, "instId": BTC}, "50014"),
    ("an order whose code is a text", "order", {"instIdCode": str(BTC_CODE)}, "51000"),
    ("an order of a code that is not listed", "order", {"instIdCode": 1}, "51001"),
    ("an order beyond the funds", "order", {"sz": "100000"}, "51008"),
    ("a cancellation of nothing", "cancel-order", {"clOrdId": "zz"}, "51400"),
    ("an amendment of nothing", "amend-order", {"clOrdId": "zz", "newSz": "2"}, "51503"),
]


async def test_a_command_that_is_refused_says_so_in_its_item() -> None:
    async with started() as client:
        socket = await client.private()
        for sentence, op, fields, code in COMMANDS:
            answer = await socket.call(op, {k: v for k, v in (coded() | fields).items() if v is not None})
            assert (answer["code"], answer["data"][0]["sCode"], answer["id"]) == ("1", code, "r1"), sentence
        assert client.venue.truth(KEY).orders == {}


WHOLES = [
    ("before a login", "/private", {}, "60011"),
    ("without an id", "login", {"request_id": None}, "60013"),
    ("past its deadline", "login", {"expTime": "1000"}, "50036"),
    ("of two where one is meant", "login", {"more": True}, "60013"),
]


@pytest.mark.parametrize(("path", "fields", "code"), [w[1:] for w in WHOLES], ids=[w[0] for w in WHOLES])
async def test_a_request_is_refused_as_a_whole(path, fields, code) -> None:
    async with started() as client:
        socket = await (client.private() if path == "login" else client.open(path))
        items = [coded()] * (2 if fields.pop("more", False) else 1)
        answer = await socket.call("order", *items, **fields)
        assert (answer["code"], answer["data"]) == (code, [])
        assert client.venue.truth(KEY).orders == {}


async def test_orders_of_both_wires_share_their_limits() -> None:
    async with started(rate_limits=RateLimits(orders_per_2s=1)) as client:
        socket = await client.private()
        assert (await client.place()).said == "0"
        assert (await socket.call("order", coded()))["code"] == "50011"


async def test_the_socket_loses_a_reply_and_fails_with_an_outcome_that_is_not_known() -> None:
    async with started() as client:
        socket = await client.private()
        client.venue.faults.add(Place.TRADE, "order", Fault(drop=True))
        client.venue.faults.add(Place.TRADE, "order", Fault(status=400, carried_out=True))
        client.venue.faults.add(Place.TRADE, "order", Fault(status=429))
        client.venue.faults.add(Place.TRADE, "order", Fault(delay_s=LATE_S))
        for name in ("silent", "failed", "shed", "late", "soon"):
            await socket.say(id=name, op="order", args=[coded(clOrdId=name)])
        answers = [await socket.hear() for _ in range(3)]
        leap()
        answers.append(await socket.hear())
        told = [(answer["id"], answer["code"]) for answer in answers]
        assert told == [("failed", "50004"), ("shed", "50011"), ("soon", "0"), ("late", "0")]
        assert set(client.venue.truth(KEY).orders) == {"silent", "failed", "late", "soon"}


async def test_orders_may_be_told_of_before_they_are_answered() -> None:
    async with started() as client:
        socket = await client.private(ORDERS)
        await socket.say(id="1", op="order", args=[coded(clOrdId="a")])
        await socket.hear_event("channel-conn-count")
        told, answered = await socket.hear(), await socket.hear()
        assert (told["data"][0]["state"], answered["data"][0]["sCode"]) == ("live", "0")
        assert int(answered["inTime"]) <= int(answered["outTime"])
