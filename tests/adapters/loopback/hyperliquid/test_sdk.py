"""Hyperliquid's own Python SDK, unchanged but for its address, reads and trades on the loopback venue."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

import eth_account
import pytest
from hyperliquid.exchange import Exchange
from hyperliquid.info import Info
from hyperliquid.utils.types import Cloid

from tests.adapters.loopback.hyperliquid.hyperliquid_wire import ADDRESS, SECRET, SUB_ACCOUNT
from tests.patience import PATIENCE_S

GTC, ALO, IOC = ({"limit": {"tif": word}} for word in ("Gtc", "Alo", "Ioc"))
FOREVER = 10**13
GONE = "Order was never placed, already canceled, or filled. asset=0"


@contextmanager
def client(threaded, secret: str = SECRET, **options) -> Iterator[Exchange]:
    """The SDK at the venue, its sessions closed afterwards."""
    exchange = Exchange(eth_account.Account.from_key(secret), threaded.venue.rest_url, **options)
    try:
        yield exchange
    finally:
        exchange.session.close()
        exchange.info.session.close()


@pytest.fixture
def exchange(threaded) -> Iterator[Exchange]:
    with client(threaded) as opened:
        yield opened


def statuses(answer: dict) -> list:
    assert answer["status"] == "ok", answer
    return answer["response"]["data"]["statuses"]


def test_it_reads_the_public_side(threaded, exchange) -> None:
    info = exchange.info
    assert [info.name_to_asset(name) for name in ("BTC", "ETH", "SOL")] == [0, 1, 5]
    truth = threaded.call(lambda venue: venue.books["BTC"])
    bids, asks = info.l2_snapshot("BTC")["levels"]
    assert [(Decimal(level["px"]), Decimal(level["sz"])) for level in bids] == truth.bids[:20]
    assert [(Decimal(level["px"]), Decimal(level["sz"])) for level in asks] == truth.asks[:20]
    assert Decimal(info.all_mids()["BTC"]) == (truth.bids[0][0] + truth.asks[0][0]) / 2
    meta, contexts = info.meta_and_asset_ctxs()
    assert [asset["name"] for asset in meta["universe"] if not asset.get("isDelisted")] == ["BTC", "ETH", "SOL"]
    assert len(contexts) == len(meta["universe"])
    assert contexts[0]["midPx"] == info.all_mids()["BTC"]
    assert info.candles_snapshot("BTC", "1m", 0, FOREVER)[-1]["s"] == "BTC"
    threaded.call(lambda venue: venue.floor.fund("BTC", venue.clock()))
    assert info.funding_history("BTC", 0, FOREVER)[-1]["fundingRate"] == "0.0000125"


def test_an_order_is_placed_asked_for_modified_and_cancelled_by_oid_and_by_cloid(exchange) -> None:
    info, cloid = exchange.info, Cloid.from_int(7)
    (placed,) = statuses(exchange.order("BTC", True, 0.001, 64_000, ALO, cloid=cloid))
    oid = placed["resting"]["oid"]
    assert placed["resting"]["cloid"] == cloid.to_raw()
    assert info.query_order_by_oid(ADDRESS, oid) == info.query_order_by_cloid(ADDRESS, cloid)
    (modified,) = statuses(exchange.modify_order(oid, "BTC", True, 0.002, 64_001, ALO, cloid=cloid))
    assert modified["resting"]["oid"] > oid
    assert info.query_order_by_oid(ADDRESS, oid)["order"]["status"] == "canceled"
    asked = info.query_order_by_cloid(ADDRESS, cloid)["order"]
    assert (asked["status"], asked["order"]["limitPx"], asked["order"]["sz"]) == ("open", "64001.0", "0.002")
    (again,) = statuses(exchange.modify_order(cloid, "BTC", True, 0.003, 64_002, ALO, cloid=cloid))
    assert [order["oid"] for order in info.open_orders(ADDRESS)] == [again["resting"]["oid"]]
    assert info.frontend_open_orders(ADDRESS)[0]["tif"] == "Alo"
    assert statuses(exchange.cancel_by_cloid("BTC", cloid)) == ["success"]
    assert statuses(exchange.cancel("BTC", again["resting"]["oid"])) == [{"error": GONE}]
    assert info.query_order_by_oid(ADDRESS, 1) == {"status": "unknownOid"}
    assert [order["status"] for order in info.historical_orders(ADDRESS)] == ["canceled"] * 3


def test_a_batch_answers_each_item_for_itself(exchange) -> None:
    def order(coin: str, price: float, cloid: int, size: float = 0.1) -> dict:
        return {
            "coin": coin, "is_buy": True, "sz": size, "limit_px": price, "order_type": GTC, "reduce_only": False,
            "cloid": Cloid.from_int(cloid),
        }  # fmt: skip

    good, bad, other = statuses(exchange.bulk_orders([order("ETH", 1800, 1), order("ETH", 9, 2), order("SOL", 70, 3)]))
    assert bad == {"error": "Order must have minimum value of $10. asset=1"} or "80%" in bad["error"]
    modifies = [
        {"oid": good["resting"]["oid"], "order": order("ETH", 1801.5, 1)},
        {"oid": Cloid.from_int(2), "order": order("ETH", 1800, 2)},
    ]
    moved, unknown = statuses(exchange.bulk_modify_orders_new(modifies))
    assert unknown == {"error": "Cannot modify canceled or filled order"}
    cancels = [{"coin": "ETH", "oid": moved["resting"]["oid"]}, {"coin": "ETH", "oid": good["resting"]["oid"]}]
    assert [isinstance(status, str) for status in statuses(exchange.bulk_cancel(cancels))] == [True, False]
    assert other == {"error": "Order must have minimum value of $10. asset=5"}
    statuses(exchange.order("ETH", True, 0.1, 1800, GTC, cloid=Cloid.from_int(4)))
    by_cloid = [{"coin": "ETH", "cloid": Cloid.from_int(number)} for number in (4, 5)]
    assert [isinstance(status, str) for status in statuses(exchange.bulk_cancel_by_cloid(by_cloid))] == [True, False]
    assert exchange.info.open_orders(ADDRESS) == []


def test_a_market_order_makes_fills_a_position_and_a_balance(threaded, exchange) -> None:
    info = exchange.info
    (done,) = statuses(exchange.market_open("ETH", False, 30))
    assert done["filled"]["totalSz"] == "30.0"
    fills, state, truth = info.user_fills(ADDRESS), info.user_state(ADDRESS), threaded.call(lambda v: v.truth(ADDRESS))
    assert [(Decimal(fill["px"]), Decimal(fill["fee"])) for fill in reversed(fills)] == [
        (fill.price, fill.fee) for fill in truth.fills
    ]
    assert {fill["dir"] for fill in fills} == {"Open Short"}
    assert info.user_fills_by_time(ADDRESS, 0) == fills[::-1]
    position = state["assetPositions"][0]["position"]
    assert (position["szi"], truth.positions["ETH"].size) == ("-30.0", -30)
    mark = threaded.call(lambda venue: venue.floor.markets["ETH"].mark_price)
    unrealized = truth.positions["ETH"].unrealized(mark)
    assert Decimal(state["marginSummary"]["accountValue"]) == truth.wallet + unrealized
    threaded.call(lambda venue: venue.floor.fund("ETH", venue.clock()))
    paid = info.user_funding_history(ADDRESS, 0, FOREVER)[0]["delta"]
    assert Decimal(paid["usdc"]) == threaded.call(lambda v: v.truth(ADDRESS)).funding > 0
    (closed,) = statuses(exchange.market_close("ETH"))
    assert closed["filled"]["totalSz"] == "30.0"
    assert info.user_fills(ADDRESS)[0]["dir"] == "Close Short"
    assert info.user_state(ADDRESS)["assetPositions"] == []


@pytest.mark.parametrize(
    ("order", "words"),
    [
        pytest.param(("BTC", True, 0.001, 64_000.5, GTC), "Price must be divisible by tick size.", id="six figures"),
        pytest.param(("SOL", True, 1, 70.00001, GTC), "Price must be divisible by tick size.", id="five decimals"),
        pytest.param(("BTC", True, 0.000001, 64_000, GTC), "Order has invalid size.", id="below the lot"),
        pytest.param(("BTC", True, 0, 64_000, GTC), "Order has zero size.", id="of nothing"),
        pytest.param(("BTC", True, 0.0001, 64_000, GTC), "Order must have minimum value of $10.", id="too small"),
        pytest.param(("BTC", True, 0.001, 200_000, GTC), "Order price cannot be more than 80% away", id="far away"),
        pytest.param(("BTC", True, 100, 64_000, GTC), "Insufficient margin to place order.", id="beyond the margin"),
        pytest.param(("BTC", True, 0.01, 66_000, ALO), "Post only order would have immediately matched", id="taking"),
        pytest.param(("BTC", True, 0.01, 60_000, IOC), "Order could not immediately match", id="ioc with nobody there"),
        pytest.param(("BTC", True, 0.01, 60_000, GTC, True), "Reduce only order would increase", id="with no position"),
    ],
)
def test_what_is_refused_is_refused_in_the_acknowledgement(exchange, order, words) -> None:
    (status,) = statuses(exchange.order(*order))
    assert status["error"].startswith(words)
    assert status["error"].endswith(f"asset={exchange.info.name_to_asset(order[0])}")


def test_a_stop_waits_beside_what_it_closes(exchange) -> None:
    def stop(price: float) -> dict:
        return {"trigger": {"triggerPx": price, "isMarket": True, "tpsl": "sl"}}

    orders = [
        {"coin": "ETH", "is_buy": True, "sz": 0.1, "limit_px": 1800, "order_type": GTC, "reduce_only": False},
        {"coin": "ETH", "is_buy": False, "sz": 0.1, "limit_px": 1600, "order_type": stop(1700), "reduce_only": True},
    ]
    parent, child = statuses(exchange.bulk_orders(orders, grouping="normalTpsl"))
    assert child == "waitingForFill"
    (alone,) = statuses(exchange.order("ETH", False, 0.1, 1600, stop(1650), reduce_only=True))
    shown = {order["oid"]: order for order in exchange.info.frontend_open_orders(ADDRESS)}
    (attached,) = shown[parent["resting"]["oid"]]["children"]
    assert (attached["orderType"], attached["triggerPx"]) == ("Stop Market", "1700.0")
    assert shown[alone["resting"]["oid"]]["triggerCondition"] == "Price below 1650"
    assert statuses(exchange.cancel("ETH", alone["resting"]["oid"])) == ["success"]


def test_an_agent_trades_once_it_is_approved_and_no_longer_than_that(threaded, exchange) -> None:
    answer, agent_key = exchange.approve_agent("desk")
    assert answer == {"status": "ok", "response": {"type": "default"}}
    with client(threaded, agent_key, account_address=ADDRESS) as agent:
        assert "resting" in statuses(agent.order("BTC", True, 0.001, 64_000, GTC))[0]
        assert exchange.info.extra_agents(ADDRESS)[0]["address"] == agent.wallet.address.lower()
        exchange.approve_agent("desk")
        refused = agent.order("BTC", True, 0.001, 64_000, GTC)
    words = f"User or API Wallet {agent.wallet.address.lower()} does not exist."
    assert refused == {"status": "err", "response": words}
    assert len(exchange.info.open_orders(ADDRESS)) == 1


def test_a_master_trades_for_its_sub_account_and_for_no_other(threaded) -> None:
    with client(threaded, vault_address=SUB_ACCOUNT) as sub:
        assert "resting" in statuses(sub.order("BTC", True, 0.001, 64_000, GTC))[0]
        assert len(sub.info.open_orders(SUB_ACCOUNT)) == 1
        assert sub.info.open_orders(ADDRESS) == []
    stranger = "0x" + "9" * 40
    with client(threaded, vault_address=stranger) as other:
        refused = other.order("BTC", True, 0.001, 64_000, GTC)
    assert refused == {"status": "err", "response": f"Vault not registered: {stranger}"}


def test_settings_and_the_dead_mans_switch_are_taken_or_refused(threaded, exchange) -> None:
    exchange.update_leverage(20, "BTC")
    statuses(exchange.order("BTC", True, 0.01, 65_500, IOC))
    position = exchange.info.user_state(ADDRESS)["assetPositions"][0]["position"]
    assert position["leverage"] == {"type": "cross", "value": 20}
    assert exchange.update_leverage(41, "BTC")["status"] == "err"
    exchange.set_expires_after(1_000)
    assert exchange.order("BTC", True, 0.001, 64_000, GTC)["status"] == "err"
    exchange.set_expires_after(None)
    now_ms = threaded.call(lambda venue: venue.clock())
    assert exchange.schedule_cancel(now_ms + 1_000)["status"] == "err"
    assert exchange.schedule_cancel(now_ms + 60_000)["status"] == "ok"
    assert exchange.schedule_cancel(None)["status"] == "ok"


def test_the_socket_tells_everything(threaded, exchange) -> None:
    info = Info(threaded.venue.rest_url)
    heard: dict[str, queue.Queue] = {}
    coin, user = {"coin": "BTC"}, {"user": ADDRESS}
    wanted = [
        {"type": "allMids"}, {"type": "l2Book"} | coin, {"type": "bbo"} | coin, {"type": "trades"} | coin,
        {"type": "candle", "interval": "1m"} | coin, {"type": "activeAssetCtx"} | coin,
        {"type": "activeAssetData"} | coin | user, {"type": "orderUpdates"} | user, {"type": "userFills"} | user,
        {"type": "userEvents"} | user, {"type": "userFundings"} | user, {"type": "webData2"} | user,
        {"type": "userNonFundingLedgerUpdates"} | user,
    ]  # fmt: skip
    try:
        for subscription in wanted:
            heard[subscription["type"]] = queue.Queue()
            info.subscribe(subscription, heard[subscription["type"]].put)

        def hear(kind: str):
            return heard[kind].get(timeout=PATIENCE_S)["data"]

        for kind in ("userFills", "userFundings", "userNonFundingLedgerUpdates"):
            assert hear(kind)["isSnapshot"] is True
        for kind in ("allMids", "bbo", "trades", "candle", "activeAssetCtx", "activeAssetData", "webData2"):
            assert hear(kind), kind
        assert len(hear("l2Book")["levels"][0]) == 20
        cloid = Cloid.from_int(1)
        statuses(exchange.order("BTC", True, 0.001, 64_000, GTC, cloid=cloid))
        (opened,) = hear("orderUpdates")
        assert (opened["status"], opened["order"]["cloid"]) == ("open", cloid.to_raw())
        statuses(exchange.modify_order(cloid, "BTC", True, 0.001, 64_001, GTC, cloid=cloid))
        moved, cancelled = hear("orderUpdates")
        assert (moved["status"], cancelled["status"]) == ("open", "canceled")
        assert cancelled["order"]["oid"] == opened["order"]["oid"] != moved["order"]["oid"]
        statuses(exchange.cancel_by_cloid("BTC", cloid))
        assert [row["status"] for row in hear("orderUpdates")] == ["canceled"]
        statuses(exchange.order("BTC", True, 0.001, 70_000, GTC, cloid=cloid))
        assert [row["status"] for row in hear("orderUpdates")][-1] == "filled"
        (fill,) = hear("userFills")["fills"]
        assert (fill["cloid"], fill["crossed"], fill["dir"]) == (cloid.to_raw(), True, "Open Long")
        assert hear("userEvents")["fills"] == [fill]
        (printed,) = hear("trades")
        assert (printed["tid"], printed["users"][0]) == (fill["tid"], ADDRESS)
    finally:
        info.disconnect_websocket()
        info.session.close()
