# ruff: noqa: E501 - a row of a table is a line
"""Private frames: orders that are replaced, fills told once over reconnects, positions, collateral, funding."""

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base.client import Request
from adapters.hyperliquid import wire
from adapters.hyperliquid.account import PRIVATE_TOPICS, Account
from adapters.hyperliquid.endpoints import Endpoints
from adapters.hyperliquid.exchange import Decoder
from adapters.hyperliquid.websocket import PrivateWebsocket
from state.errors import UnknownWord
from state.events import (
    AmendOrder,
    AnyEvent,
    BalanceUpdate,
    FeedStatus,
    Fill,
    FundingPayment,
    OrderUpdate,
    PlaceOrder,
    PositionUpdate,
)
from state.orders import Orders

V, BTC = "hyperliquid", "BTC"
USER = "0x14791697260e4c9a71f18484c9f997b308e59325"
CLOID = "0x0000000000000000000000006d6d0001"
T = 1754000000905
NEXT = 77738400  # the number after a change: they rise
D = Decimal
MODE = Request(Endpoints.ALL["account_mode"])


def frame(channel: str, said: object) -> bytes:
    return json.dumps({"channel": channel, "data": said}, separators=(",", ":")).encode()


def order(
    oid: int = 77738308, sz: str = "0.01", orig: str = "0.01", status: str = "open", **more: Any
) -> dict[str, Any]:
    at = more.pop("at", T)
    row = {
        "coin": BTC,
        "side": "B",
        "limitPx": "65000.0",
        "sz": sz,
        "oid": oid,
        "timestamp": T,
        "origSz": orig,
        "cloid": CLOID,
    }
    return {"order": row | more, "status": status, "statusTimestamp": at}


def fill(tid: int, sz: str, oid: int = 77738308, **more: Any) -> dict[str, Any]:
    return {
        "coin": BTC, "px": "65000.0", "sz": sz, "side": "B", "time": T + tid, "startPosition": "0.0", "dir": "Open Long",
        "closedPnl": "0.0", "hash": "0x00", "oid": oid, "crossed": False, "fee": "0.039", "tid": tid, "cloid": CLOID,
        "feeToken": "USDC", "builderFee": "0.0", "twapId": None,
    } | more  # fmt: skip


def fills(*rows: dict[str, Any], snapshot: bool = False) -> bytes:
    return frame("userFills", {"user": USER, "fills": rows} | ({"isSnapshot": True} if snapshot else {}))


class Told:
    """A reader of private frames, and the orders that its events make."""

    def __init__(self, size: str = "0.01") -> None:
        self.decoder = Decoder()
        self.orders = Orders(V)
        self.orders.placed(PlaceOrder(V, BTC, "buy", D(size), D(65000), client_id=CLOID), 1)

    def __call__(self, *frames: bytes) -> list[AnyEvent]:
        events = [event for each in frames for event in self.decoder.receive(each, 0)]
        for seq, event in enumerate(events, 2):
            if isinstance(event, OrderUpdate):
                self.orders.updated(event, seq)
            elif isinstance(event, Fill):
                self.orders.filled(event, seq)
        return events

    @property
    def order(self) -> tuple[str, Decimal, Decimal, str | None]:
        known = self.orders.get(CLOID)
        assert known is not None
        return known.status, known.filled, known.size, known.order_id


def test_an_order_lives_from_open_over_part_to_filled() -> None:
    told = Told()
    (update,) = told(frame("orderUpdates", [order()]))
    assert update == OrderUpdate(
        V, BTC, T * 10**6, CLOID, "77738308", "open", "buy", None, None, D("65000.0"), D("0.01"), D("0.00"), version=T
    )
    (partly,) = told(frame("orderUpdates", [order(sz="0.006", at=T + 1)]))
    assert (partly.status, partly.filled) == ("partially_filled", D("0.004"))  # type: ignore[union-attr]
    told(frame("orderUpdates", [order(sz="0.0", status="filled", at=T + 2)]))
    assert told.order == ("filled", D("0.01"), D("0.01"), "77738308")


def test_a_fill_has_its_fee_its_maker_and_a_key_that_is_the_venues() -> None:
    (event,) = Told()(fills(fill(7, "0.004")))
    assert event == Fill(
        V, BTC, (T + 7) * 10**6, f"{T + 7}-7", "77738308", CLOID, "buy", D("65000.0"), D("0.004"), D("-0.039"), "USDC", True,
        "trade", D("0.0"),
    )  # fmt: skip
    (rebate,) = Told()(fills(fill(8, "1", fee="-0.01", crossed=True)))
    assert (rebate.fee, rebate.maker) == (D("0.01"), False)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        ({"liquidation": {"liquidatedUser": USER, "markPx": "1", "method": "market"}}, "liquidation"),
        ({"liquidation": {"liquidatedUser": "0x99", "markPx": 1.5, "method": "market"}}, "trade"),
        ({"dir": "Liquidated Cross Long"}, "liquidation"),
        ({"dir": "Auto-Deleveraging"}, "adl"),
        ({"dir": "Settlement"}, "settlement"),
        ({"dir": "Long > Short"}, "trade"),
    ],
)
def test_both_sides_of_a_liquidation_say_so_and_only_ours_is_one(more: dict[str, Any], kind: str) -> None:
    (event,) = Told()(fills(fill(1, "1", **more)))
    assert event.kind == kind  # type: ignore[union-attr]


def test_the_first_snapshot_of_fills_is_of_before_and_a_later_one_tells_what_was_missed_once() -> None:
    told = Told()
    assert told(fills(fill(1, "0.001"), fill(2, "0.001"), snapshot=True)) == []
    assert len(told(fills(fill(3, "0.001")), fills(fill(3, "0.001")))) == 1
    missed = told(fills(fill(5, "0.001"), fill(4, "0.001"), fill(3, "0.001"), fill(2, "0.001"), snapshot=True))
    assert [(e.fill_id, e.backfilled) for e in missed] == [(f"{T + 4}-4", True), (f"{T + 5}-5", True)]  # type: ignore[union-attr]
    assert told(fills(fill(4, "0.001"))) == []


NEW, OLD = (
    order(oid=NEXT, orig="0.006", sz="0.006", at=T + 9, limitPx="64990.0"),
    order(oid=77738308, sz="0.006", status="canceled", at=T + 9),
)


@pytest.mark.parametrize(
    "frames",
    [
        pytest.param([[NEW, OLD]], id="new life first, one frame"),
        pytest.param([[OLD, NEW]], id="old end first, one frame"),
        pytest.param([[NEW], [OLD]], id="new life first"),
        pytest.param([[OLD], [NEW]], id="old end first"),
        pytest.param([[NEW]], id="an end that never comes"),
    ],
)  # fmt: skip
def test_a_replaced_order_lives_on_under_its_new_number_with_what_the_old_one_filled(frames: list[list[Any]]) -> None:
    told = Told()
    told(frame("orderUpdates", [order()]), fills(fill(1, "0.004")))
    for rows in frames:
        events = told(frame("orderUpdates", rows))
        if len(rows) == 2:
            assert [event.status for event in events] == ["partially_filled"], "the old end is no end"  # type: ignore[union-attr]
    assert told.order == ("partially_filled", D("0.004"), D("0.010"), str(NEXT))
    known = told.orders.get(CLOID)
    assert known is not None
    assert (known.price, known.former_ids) == (D("64990.0"), ("77738308",))
    told(fills(fill(2, "0.006", oid=NEXT)))
    assert told.order[:2] == ("filled", D("0.010"))


def test_a_fill_of_the_old_number_that_comes_late_makes_the_order_larger() -> None:
    """It was filled while the change was under way: the new number rests whole beside it."""
    told = Told()
    told(frame("orderUpdates", [order()]))
    told(frame("orderUpdates", [order(oid=NEXT, orig="0.01", sz="0.01", at=T + 9)]))
    update, event = told(fills(fill(1, "0.004")))
    assert (update.size, event.size) == (D("0.014"), D("0.004"))  # type: ignore[union-attr]
    assert told.order == ("partially_filled", D("0.004"), D("0.014"), str(NEXT))
    told(fills(fill(2, "0.01", oid=NEXT)))
    assert told.order[:2] == ("filled", D("0.014"))


def test_the_old_numbers_last_word_tells_what_it_filled_before_its_fills_do() -> None:
    told = Told()
    told(frame("orderUpdates", [order()]), frame("orderUpdates", [order(oid=NEXT, at=T + 9)]))
    (update,) = told(frame("orderUpdates", [order(sz="0.007", status="canceled", at=T + 9)]))
    assert (update.size, update.filled, update.order_id) == (D("0.013"), D("0.003"), str(NEXT))  # type: ignore[union-attr]
    told(fills(fill(1, "0.003")))
    assert told.order == ("partially_filled", D("0.003"), D("0.013"), str(NEXT))


def test_a_change_that_is_refused_leaves_the_order_as_it_is_until_its_own_end_comes() -> None:
    told = Told()
    told(frame("orderUpdates", [order()]))
    assert told(frame("orderUpdates", [order(oid=NEXT, status="badAloPxRejected", at=T + 9)])) == []
    assert told.order == ("open", D(0), D("0.01"), "77738308")
    (end,) = told(frame("orderUpdates", [order(status="canceled", at=T + 10)]))
    assert (end.status, end.order_id) == ("cancelled", "77738308")  # type: ignore[union-attr]


END = order(sz="0.006", status="canceled", at=T + 9)
REFUSED = order(oid=NEXT, orig="0.006", sz="0.006", status="badAloPxRejected", at=T + 9)


@pytest.mark.parametrize(
    "frames",
    [
        pytest.param([[REFUSED, END]], id="the refusal first, one frame"),
        pytest.param([[END, REFUSED]], id="the end first, one frame"),
        pytest.param([[REFUSED], [END]], id="the refusal first"),
        pytest.param([[END], [REFUSED]], id="the end first"),
        pytest.param([[END]], id="of the new number nothing is told"),
    ],
)
def test_a_change_that_is_refused_ends_the_order_with_what_it_filled(frames: list[list[Any]]) -> None:
    told = Told()
    told(frame("orderUpdates", [order()]), fills(fill(1, "0.004")))
    for rows in frames:
        told(frame("orderUpdates", rows))
    assert told.order[:2] == ("cancelled", D("0.004"))


def test_who_asks_for_an_order_whose_change_was_refused_hears_that_it_ended() -> None:
    account = Account(V)
    account.private("orderUpdates", frame("orderUpdates", [order()]))
    account.private("userFills", fills(fill(1, "0.004")))
    found = account.order(msgspec.convert(REFUSED, wire.OrderStatus))
    assert (found.status, found.filled, found.refusal) == ("cancelled", D("0.004"), "post_only")
    alone = Account(V).order(msgspec.convert(REFUSED, wire.OrderStatus))
    assert (alone.status, alone.filled) == ("rejected", D(0)), "one that never rested"


def test_an_acceptance_that_comes_after_a_fill_on_the_way_is_put_right() -> None:
    account = Account(V)
    account.private("orderUpdates", frame("orderUpdates", [order()]))
    account.private("userFills", fills(fill(1, "0.004")))
    account.private("orderUpdates", frame("orderUpdates", [order(oid=NEXT, orig="0.02", sz="0.02", at=T + 9)]))
    (again,) = account.told_again(CLOID, D("0.02"))
    assert (again.size, again.filled) == (D("0.024"), D("0.004"))  # type: ignore[union-attr]
    assert account.told_again(CLOID, D("0.024")) == ()
    assert account.told_again("0x00", D(1)) == ()


@given(st.data())
def test_what_is_filled_adds_up_over_all_numbers_in_every_order_of_arrival(data: st.DataObject) -> None:
    """Each life is opened, filled in parts and ended; frames of one channel keep their order, the channels do not."""
    updates: list[tuple[int, bytes]] = []
    executed: list[tuple[int, bytes]] = []
    amends: list[AmendOrder] = []
    total, tid, lives = D(0), 0, data.draw(st.integers(1, 4))
    for life in range(1, lives + 1):
        parts = data.draw(st.lists(st.integers(1, 5), max_size=3))
        size = sum(parts) + data.draw(st.integers(0 if life == lives and parts else 1, 3))
        amends.append(AmendOrder(V, BTC, CLOID, D(65000), total + size))
        left = size
        updates.append((life, frame("orderUpdates", [order(oid=life, orig=str(size), sz=str(size), at=T + life * 10)])))
        for part in parts:
            tid, left, total = tid + 1, left - part, total + part
            executed.append((life, fills(fill(tid, str(part), oid=life))))
        word = "filled" if life == lives and not left else "canceled"
        end = order(oid=life, orig=str(size), sz=str(left), status=word, at=T + life * 10 + 9)
        updates.append((life, frame("orderUpdates", [end])))
    told, opened = Told(str(amends[0].size)), 0
    while updates or executed:
        early = bool(executed) and executed[0][0] <= opened + 1  # a change is asked for once its order was told
        if executed and (not updates or (early and data.draw(st.booleans()))):
            told(executed.pop(0)[1])
        else:
            of, said = updates.pop(0)
            told(said)
            if of > opened and of < lives:
                told.orders.amending(amends[of], of)
            opened = max(opened, of)
    status, filled, told_size, order_id = told.order
    assert filled == total
    assert status == ("filled" if word == "filled" else "cancelled")
    if status == "cancelled":  # one that is full is told nothing more
        assert (told_size, order_id) == (total + left, str(lives))


def test_positions_are_told_and_flat_where_they_are_not_listed_any_more_with_the_collateral() -> None:
    def state(*positions: tuple[str, str]) -> bytes:
        rows = [
            {"type": "oneWay", "position": {
                "coin": coin, "szi": szi, "entryPx": "65000.0", "positionValue": "130.0", "unrealizedPnl": "-1.5",
                "liquidationPx": None, "leverage": {"type": "cross", "value": 20}, "marginUsed": "6.5"}}
            for coin, szi in positions
        ]  # fmt: skip
        said = {
            "marginSummary": {"accountValue": "998.5", "totalNtlPos": "0", "totalRawUsd": "0", "totalMarginUsed": "0"},
            "withdrawable": "900.0", "assetPositions": rows, "time": T,
        }  # fmt: skip
        return frame("clearinghouseState", {"dex": "", "user": USER, "clearinghouseState": said})

    told = Told()
    position, balance = told(state((BTC, "-0.002")))
    assert position == PositionUpdate(
        V, BTC, T * 10**6, D("-0.002"), D("65000.0"), None, None, D("-1.5"), None, D(20), T
    )
    assert balance == BalanceUpdate(V, "", T * 10**6, "USDC", D("1000.0"), D("900.0"))
    flat, whole = told(state())
    assert (flat.symbol, flat.size, whole.total) == (BTC, D(0), D("998.5"))  # type: ignore[union-attr]
    assert len(told(state())) == 1, "and that is told once"
    bundle = json.loads(state((BTC, "1")))
    assert len(told(json.dumps(bundle | {"channel": "webData2"}, separators=(",", ":")).encode())) == 2


def test_funding_is_told_once_an_hour_and_what_was_paid_is_negative() -> None:
    row = {"time": T, "coin": BTC, "usdc": "-0.25", "szi": "0.5", "fundingRate": "0.0000125", "nSamples": 24}
    told, hour = Told(), str(T // 3_600_000 * 3_600_000)
    assert told(frame("userFundings", {"user": USER, "isSnapshot": True, "fundings": [row]})) == []
    later = row | {"time": T + 3_600_000}
    (paid,) = told(frame("userFundings", {"user": USER, "fundings": [later]}))
    assert isinstance(paid, FundingPayment)
    assert (paid.amount, paid.size, paid.rate, paid.payment_id) == (
        D("-0.25"),
        D("0.5"),
        D("0.0000125"),
        str(int(hour) + 3_600_000),
    )
    assert told(frame("userFundings", {"user": USER, "isSnapshot": True, "fundings": [row, later]})) == []


def test_a_list_of_open_orders_tells_only_what_was_never_told() -> None:
    told = Told()
    row = order()["order"] | {"tif": "Alo", "orderType": "Limit", "reduceOnly": True}
    said = frame("openOrders", {"dex": "", "user": USER, "orders": [row]})
    (first,) = told(said)
    assert (first.tif, first.kind, first.reduce_only, first.status) == ("post_only", "limit", True, "open")  # type: ignore[union-attr]
    told(frame("orderUpdates", [order(status="canceled", at=T + 1)]))
    assert told(said) == [], "it is of before"


def test_spot_is_passed_over_and_an_order_of_others_has_only_the_venues_number() -> None:
    told = Told()
    assert told(frame("orderUpdates", [order(coin="@107")]), fills(fill(1, "1", coin="PURR/USDC"))) == []
    (foreign,) = told(frame("orderUpdates", [order(oid=5, cloid=None)]))
    assert (foreign.client_id, foreign.order_id) == (None, "5")  # type: ignore[union-attr]


@pytest.mark.parametrize("word", [{"status": "levitating"}, {"side": "L"}, {"tif": "Fok"}, {"orderType": "Iceberg"}])
def test_an_order_word_that_no_table_has_stops(word: dict[str, str]) -> None:
    row = order(status=word["status"]) if "status" in word else order(**word)
    with pytest.raises(UnknownWord):
        Told()(frame("orderUpdates", [row]))


@pytest.mark.parametrize("channel", ["user", "notification", "userNonFundingLedgerUpdates", "pong", "allMids"])
def test_what_tells_nothing_more_is_passed_over(channel: str) -> None:
    assert Told()(frame(channel, {"nonUserCancel": [{"coin": BTC, "oid": 7}]})) == []


@pytest.mark.parametrize(
    "said", [b'{"channel":"orderUpdates","data":[{"order":7}]}', b'{"channel":"userFills","data":{"fills":[{}]}}', b"{", b'{"channel":"mystery","data":1}']
)  # fmt: skip
def test_a_frame_that_does_not_fit_is_told_and_kept(said: bytes) -> None:
    socket = PrivateWebsocket("", Account(V), USER, MODE)
    (status,) = socket.receive(said, 0)
    assert isinstance(status, FeedStatus)
    assert status.status == "gap"
    assert socket.suspect


def test_the_private_socket_asks_for_each_topic_and_stands_when_all_are_echoed() -> None:
    socket = PrivateWebsocket("wss://x", Account(V), USER, MODE)
    asked = [json.loads(each) for each in socket.on_connect(0)]
    assert [each["subscription"] for each in asked] == [{"type": topic, "user": USER} for topic in PRIVATE_TOPICS]
    assert not [each for each in map(socket.strike, socket.on_connect(0)) if USER.encode() in each]
    for n, each in enumerate(asked):
        assert not socket.is_ready, n
        echo = {"method": "subscribe", "subscription": each["subscription"] | {"dex": None}}
        assert not socket.receive(frame("subscriptionResponse", echo), 0)
    assert socket.is_ready
    (down,) = socket.on_disconnect("gone")
    assert down == FeedStatus(V, "", "account", "down", "gone")
    assert not socket.is_ready


def test_a_topic_that_is_refused_takes_the_account_down_and_a_second_subscription_does_no_harm() -> None:
    socket = PrivateWebsocket("wss://x", Account(V), USER, MODE)
    asked = [json.loads(each)["subscription"] for each in socket.on_connect(0)]
    (status,) = socket.receive(frame("error", f"Invalid subscription {json.dumps(asked[0])}"), 0)
    assert (status.channel, status.status) == ("account", "down")  # type: ignore[union-attr]
    assert socket.receive(frame("error", f"Already subscribed: {json.dumps(asked[1])}"), 0) == []
    (odd,) = socket.receive(frame("error", "Error parsing JSON into valid websocket request"), 0)
    assert odd.status == "gap"  # type: ignore[union-attr]
