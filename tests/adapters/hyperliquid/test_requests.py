# ruff: noqa: E501 - a row of a table is a line
"""Requests: tables of the venue's documented bodies, and the bodies that its own SDK and ccxt send for the same orders."""

import asyncio
import errno
import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hyperliquid.utils.types import Cloid
from hypothesis import given
from hypothesis import strategies as st

from adapters.base.client import Request
from adapters.base.nonces import Nonces
from adapters.base.numbers import unpadded
from adapters.base.query import Arguments, Query
from adapters.base.settings import Subscription, VenueSettings
from adapters.hyperliquid.client import Client
from adapters.hyperliquid.endpoints import Endpoints
from adapters.hyperliquid.exchange import Exchange
from adapters.hyperliquid.formats import TEXT_DECIMALS, Formats, Terms
from adapters.hyperliquid.orderid import OrderID
from adapters.hyperliquid.signer import Signer
from adapters.hyperliquid.websocket import TradeWebsocket
from state.clock import WallClock
from state.errors import WrongUse
from state.events import AmendOrder, CancelAll, CancelOrder, OrderUpdate, PlaceOrder
from state.secrets import Credentials, Secret
from state.words import Side, TimeInForce
from tests.adapters.hyperliquid.heard import Heard
from tests.adapters.hyperliquid.sdk import AGENT, COINS, DECIMALS, KEY, Sdk, padded

D = Decimal
V, BTC = "hyperliquid", "BTC"
CLOID = "0x0000000000000000000000006d6d0001"
NOW = 1754000000900
TIFS: dict[TimeInForce, str] = {"gtc": "Gtc", "ioc": "Ioc", "post_only": "Alo"}


def formats(terms: Terms | None = Terms("buy", "gtc", False, D(0))) -> Formats:  # noqa: B008
    made = Formats(V, AGENT, lambda client_id: terms)
    universe = [{"name": name, "szDecimals": n} for name, n in zip(COINS, DECIMALS, strict=True)]
    made.answer("instruments", json.dumps({"universe": universe}).encode())
    return made


def body(action: str, arguments: Arguments, of: Formats | None = None) -> Any:
    return json.loads((of or formats()).request(action, arguments).body)


def place(**words: Any) -> PlaceOrder:
    said = {"side": "buy", "size": D("0.010"), "price": D("65000.0"), "client_id": CLOID} | words
    return PlaceOrder(V, said.pop("symbol", BTC), **said)


ROW = {"a": 0, "b": True, "p": "65000", "s": "0.01", "r": False, "t": {"limit": {"tif": "Gtc"}}, "c": CLOID}
AMEND = AmendOrder(V, BTC, CLOID, D("65001"), D("0.02"))


@pytest.mark.parametrize(
    ("action", "arguments", "expected"),
    [
        pytest.param("place", place(), {"type": "order", "orders": [ROW], "grouping": "na"}, id="place"),
        pytest.param("place", place(side="sell", tif="post_only", reduce_only=True, symbol="ETH"), {"type": "order", "orders": [ROW | {"a": 1, "b": False, "r": True, "t": {"limit": {"tif": "Alo"}}}], "grouping": "na"}, id="post-only, reduce-only"),
        pytest.param("place", place(client_id=""), {"type": "order", "orders": [{n: w for n, w in ROW.items() if n != "c"}], "grouping": "na"}, id="without a cloid"),
        pytest.param("place", place(kind="market", price=D("66000")), {"type": "order", "orders": [ROW | {"p": "66000", "t": {"limit": {"tif": "Ioc"}}}], "grouping": "na"}, id="market with its worst price"),
        pytest.param("place_batch", [place(), place(price=D("1E+3"))], {"type": "order", "orders": [ROW, ROW | {"p": "1000"}], "grouping": "na"}, id="a batch is one action"),
        pytest.param("amend", AMEND, {"type": "batchModify", "modifies": [{"oid": CLOID, "order": ROW | {"p": "65001", "s": "0.02"}}]}, id="an amendment is a whole order"),
        pytest.param("cancel", CancelOrder(V, BTC, CLOID), {"type": "cancelByCloid", "cancels": [{"asset": 0, "cloid": CLOID}]}, id="cancel"),
        pytest.param("cancel_batch", [CancelOrder(V, BTC, "77738308"), CancelOrder(V, "ETH", "5")], {"type": "cancel", "cancels": [{"a": 0, "o": 77738308}, {"a": 1, "o": 5}]}, id="cancel by the venue's number"),
        pytest.param("set_leverage", Query(symbol=BTC, leverage=D(5)), {"type": "updateLeverage", "asset": 0, "isCross": True, "leverage": 5}, id="leverage"),
        pytest.param("disconnect_cancel_all", Query(window_s=60), {"type": "scheduleCancel"}, id="the dead man's time is set when it is signed"),
        pytest.param("server_time", Query(), {"type": "exchangeStatus"}, id="time"),
        pytest.param("instruments", Query(), {"type": "meta"}, id="instruments"),
        pytest.param("tickers", Query(), {"type": "metaAndAssetCtxs"}, id="tickers"),
        pytest.param("book", Query(symbol=BTC), {"type": "l2Book", "coin": BTC}, id="book"),
        pytest.param("trades", Query(symbol=BTC), {"type": "recentTrades", "coin": BTC}, id="trades"),
        pytest.param("klines", Query(symbol=BTC, interval_s=300, start_ms=5, end_ms=9), {"type": "candleSnapshot", "req": {"coin": BTC, "interval": "5m", "startTime": 5, "endTime": 9}}, id="candles"),
        pytest.param("order", Query(client_id=CLOID), {"type": "orderStatus", "user": AGENT, "oid": CLOID}, id="order by cloid"),
        pytest.param("order", Query(order_id="7"), {"type": "orderStatus", "user": AGENT, "oid": 7}, id="order by number"),
        pytest.param("open_orders", Query(), {"type": "frontendOpenOrders", "user": AGENT}, id="open orders"),
        pytest.param("order_history", Query(), {"type": "historicalOrders", "user": AGENT}, id="past orders"),
        pytest.param("executions", Query(start_ms=1), {"type": "userFillsByTime", "user": AGENT, "startTime": 1}, id="fills"),
        pytest.param("executions", Query(start_ms=1, end_ms=9, cursor="4"), {"type": "userFillsByTime", "user": AGENT, "startTime": 4, "endTime": 9}, id="the next page of fills"),
        pytest.param("order_fills", Query(client_id=CLOID), {"type": "userFills", "user": AGENT}, id="fills of an order"),
        pytest.param("funding", Query(start_ms=1), {"type": "userFunding", "user": AGENT, "startTime": 1}, id="funding"),
        pytest.param("positions", Query(), {"type": "clearinghouseState", "user": AGENT}, id="positions"),
        pytest.param("wallet", Query(), {"type": "clearinghouseState", "user": AGENT}, id="wallet"),
        pytest.param("account_mode", Query(), {"type": "userAbstraction", "user": AGENT}, id="how coins are kept"),
        pytest.param("spot_wallet", Query(), {"type": "spotClearinghouseState", "user": AGENT}, id="the wallet of a unified account"),
        pytest.param("fee_rates", Query(symbol=BTC), {"type": "userFees", "user": AGENT}, id="fees"),
        pytest.param("rate_limit", Query(), {"type": "userRateLimit", "user": AGENT}, id="rate limit"),
    ],
)  # fmt: skip
def test_an_action_has_this_body(action: str, arguments: Arguments, expected: object) -> None:
    said = body(action, arguments)
    assert said == expected
    assert list(said) == list(expected), "the order of keys is signed"  # type: ignore[call-overload]


def test_every_action_of_the_capabilities_is_in_the_table() -> None:
    marks = test_an_action_has_this_body.pytestmark  # type: ignore[attr-defined]
    named = {case.values[0] for mark in marks for case in mark.args[1]} | {"amend_batch"}
    assert named == set(Endpoints.ALL)


@pytest.mark.parametrize(
    ("action", "arguments", "why"),
    [
        pytest.param("place", place(tif="fok"), "no fill-or-kill", id="no FOK"),
        pytest.param("place", place(price=None), "needs a price", id="a limit without a price"),
        pytest.param("place", place(kind="market", price=None), "no price of BTC was heard", id="a market order blindly"),
        pytest.param("place", place(symbol="NOPE"), "number of 'NOPE' is not known", id="an unknown coin"),
        pytest.param("place", place(client_id="mine"), "0x and 32 hex digits", id="a client id that is none"),
        pytest.param("place", place(size=D("0.000000001")), "more than 8 decimals", id="nine decimals"),
        pytest.param("amend", AmendOrder(V, BTC, CLOID, D(1), D("0.004")), "filled already", id="below what is filled"),
        pytest.param("cancel_batch", [CancelOrder(V, BTC, CLOID), CancelOrder(V, BTC, "7")], "not by both", id="mixed cancels"),
        pytest.param("cancel_all", CancelAll(V, ""), "no action 'cancel_all'", id="all of what is not named"),
        pytest.param("set_leverage", Query(symbol=BTC, leverage=D("2.5")), "whole leverage", id="half a leverage"),
        pytest.param("klines", Query(symbol=BTC, interval_s=21_600), "no candles of 21600 s", id="an interval it has not"),
        pytest.param("trades", Query(), "wants the symbol", id="trades of nothing"),
        pytest.param("withdraw", Query(), "no action 'withdraw'", id="what it never does"),
    ],
)  # fmt: skip
def test_what_the_venue_cannot_be_told_is_refused_at_the_call(action: str, arguments: Arguments, why: str) -> None:
    with pytest.raises(WrongUse, match=why):
        formats(Terms("buy", "gtc", False, D("0.004"))).request(action, arguments)


def test_what_was_listed_is_cancelled_by_the_venues_numbers_in_batches() -> None:
    rests = [OrderUpdate(V, "ETH", NOW, None, str(oid), "open") for oid in range(1, 41)]
    first, second = formats().cancel_listed(rests)
    assert (first.cost, second.cost) == (39, 1)
    assert json.loads(second.body) == {"type": "cancel", "cancels": [{"a": 1, "o": 40}]}


def test_an_amendment_of_an_order_that_nobody_knows_is_refused() -> None:
    with pytest.raises(WrongUse, match="nothing is known"):
        formats(None).request("amend", AMEND)


def test_an_amendment_takes_the_side_and_the_rest_from_the_order_and_leaves_out_what_is_filled() -> None:
    said = body("amend", AMEND, formats(Terms("sell", "post_only", True, D("0.004"))))
    (change,) = said["modifies"]
    assert (change["order"]["s"], change["order"]["b"], change["order"]["r"]) == ("0.016", False, True)
    assert change["order"]["t"] == {"limit": {"tif": "Alo"}}


# --- what others send for the same ---

sides = st.sampled_from(["buy", "sell"])
cloids = st.none() | st.integers(0, 2**128 - 1).map(lambda n: f"0x{n:032x}")


@st.composite
def orders(draw: st.DrawFn) -> PlaceOrder:
    """On the grid of a coin: five figures, six decimals less the size's."""
    at = draw(st.integers(0, len(COINS) - 1))
    decimals = 6 - DECIMALS[at]
    price = D(draw(st.integers(1, 99_999))).scaleb(-draw(st.integers(0, decimals)))
    size = D(draw(st.integers(1, 10 ** (5 + DECIMALS[at])))).scaleb(-DECIMALS[at])  # more, and the SDK's floats show
    tif: TimeInForce = draw(st.sampled_from(["gtc", "ioc", "post_only"]))
    client_id = draw(cloids) or ""
    return PlaceOrder(V, COINS[at], draw(sides), size, price, "limit", tif, draw(st.booleans()), client_id)


def of_sdk(order: PlaceOrder) -> dict[str, Any]:
    said = {
        "coin": order.symbol, "is_buy": order.side == "buy", "sz": float(order.size), "limit_px": float(order.price or 0),
        "order_type": {"limit": {"tif": TIFS[order.tif]}}, "reduce_only": order.reduce_only,
    }  # fmt: skip
    return said | ({"cloid": Cloid.from_str(order.client_id)} if order.client_id else {})


MAIN, TEST = Sdk(), Sdk(mainnet=False)
VAULT = "0x" + "ab" * 20
OF_VAULT = Sdk(vault=VAULT)


def signed(request: Request, now_ms: int, *, mainnet: bool = True, vault: str = "") -> dict[str, Any]:
    client = Client("https://x", Signer(KEY, mainnet=mainnet, vault=vault))
    said: dict[str, Any] = json.loads(client.sign(request, now_ms).body)
    return said


def same(ours: dict[str, Any], sdk: Sdk, now_ms: int, call: str, *args: Any) -> None:
    """The same body; the SDK writes down an expiry that is not there."""
    sdk.exchange.set_expires_after(ours.get("expiresAfter"))
    theirs = sdk.said(now_ms, call, *args)
    theirs["signature"] = padded(theirs["signature"])
    assert {"expiresAfter": None} | ours == theirs
    assert list(ours["action"]) == list(theirs["action"])


@given(
    st.lists(orders(), min_size=1, max_size=5), st.integers(NOW, NOW + 10**9), st.sampled_from([MAIN, TEST, OF_VAULT])
)
def test_orders_and_their_cancels_are_sent_as_the_official_sdk_sends_them(
    batch: Sequence[PlaceOrder], now_ms: int, sdk: Sdk
) -> None:
    where = {"mainnet": sdk is not TEST, "vault": sdk.exchange.vault_address or ""}
    made = formats()
    request = made.request("place", batch[0]) if len(batch) == 1 else made.request("place_batch", batch)
    same(signed(request, now_ms, **where), sdk, now_ms, "bulk_orders", [of_sdk(order) for order in batch])
    named = [order for order in batch if order.client_id]
    if named:
        cancels = [CancelOrder(V, order.symbol, order.client_id) for order in named]
        theirs = [{"coin": o.symbol, "cloid": Cloid.from_str(o.client_id)} for o in named]
        same(
            signed(made.request("cancel_batch", cancels), now_ms, **where), sdk, now_ms, "bulk_cancel_by_cloid", theirs
        )


@given(orders(), orders(), st.integers(0, 10**5), st.integers(1, 2**50))
def test_amendments_and_cancels_by_number_are_sent_as_the_official_sdk_sends_them(
    old: PlaceOrder, new: PlaceOrder, filled: int, oid: int
) -> None:
    client_id = old.client_id or CLOID
    done = D(filled).scaleb(-DECIMALS[COINS.index(old.symbol)])
    made = formats(Terms(old.side, old.tif, old.reduce_only, done))
    price = new.price if new.symbol == old.symbol else old.price
    amend = AmendOrder(V, old.symbol, client_id, price or D(1), old.size + done)
    changed = PlaceOrder(V, old.symbol, old.side, old.size, price, "limit", old.tif, old.reduce_only, client_id)
    theirs = [{"oid": Cloid.from_str(client_id), "order": of_sdk(changed)}]
    same(signed(made.request("amend", amend), NOW), MAIN, NOW, "bulk_modify_orders_new", theirs)
    cancel = made.request("cancel", CancelOrder(V, old.symbol, str(oid)))
    same(signed(cancel, NOW), MAIN, NOW, "bulk_cancel", [{"coin": old.symbol, "oid": oid}])


def test_settings_are_sent_as_the_official_sdk_sends_them() -> None:
    made = formats()
    request = made.request("set_leverage", Query(symbol="ETH", leverage=D(7)))
    same(signed(request, NOW), MAIN, NOW, "update_leverage", 7, "ETH")
    same(
        signed(made.request("disconnect_cancel_all", Query(window_s=60)), NOW),
        MAIN,
        NOW,
        "schedule_cancel",
        NOW + 60_000,
    )
    same(signed(made.request("disconnect_cancel_all", Query(window_s=0)), NOW), MAIN, NOW, "schedule_cancel", None)


@given(st.sampled_from(COINS), sides, st.integers(1, 99_999), st.integers(-4, 1))
def test_a_market_order_is_limited_as_the_official_sdk_limits_it(
    coin: str, side: Side, figures: int, scale: int
) -> None:
    made, n = formats(), DECIMALS[COINS.index(coin)]
    price = max(figures * 10.0**scale, 10.0 ** (n - 4))
    made.account.marks[coin] = price
    said = made.request("place", PlaceOrder(V, coin, side, D(1), kind="market", tif="ioc"))
    (row,) = json.loads(said.body)["orders"]
    theirs = MAIN.said(NOW, "market_open", coin, side == "buy", 1.0, price)["action"]["orders"][0]
    step = max(D(theirs["p"]).adjusted() - 4, n - 6)
    assert abs(D(row["p"]) - D(theirs["p"])) <= D(1).scaleb(step), "to the grid's next step"
    assert {**row, "p": ""} == {**theirs, "p": ""}
    rules = made.rules[coin]
    assert len(D(row["p"]).normalize().as_tuple().digits) <= 5 or D(row["p"]) % 1 == 0
    assert D(row["p"]) % rules.tick == 0


def test_a_market_order_is_limited_by_what_the_streams_said_last() -> None:
    exchange = Exchange(VenueSettings(V), Heard(), WallClock(), "s", keys())
    exchange.formats.answer("instruments", b'{"universe":[{"name":"BTC","szDecimals":5}]}')
    (socket,) = exchange.public_sockets([Subscription("ticker", BTC), Subscription("book", BTC)])
    order = place(kind="market", price=None, client_id="")

    def limit() -> Decimal:
        return D(json.loads(exchange.build("place", order).body)["orders"][0]["p"])

    context = '{"coin":"BTC","ctx":{"markPx":"60000.0","oraclePx":"1","funding":"0"}}'
    socket.receive(f'{{"channel":"activeAssetCtx","data":{context}}}'.encode(), 0)
    assert limit() == 63_000
    levels = '[[{"px":"69999","sz":"1"}],[{"px":"70001","sz":"1"}]]'
    socket.receive(f'{{"channel":"l2Book","data":{{"coin":"BTC","time":{NOW},"levels":{levels}}}}}'.encode(), 0)
    assert limit() == 73_500
    asyncio.run(exchange.close())


@given(st.decimals(D(0), D(10**9), places=8))
def test_a_number_is_written_as_the_official_sdk_writes_it(said: Decimal) -> None:
    assert D(unpadded(said, TEXT_DECIMALS)) == said
    assert "E" not in unpadded(said, TEXT_DECIMALS)
    assert not ("." in unpadded(said, TEXT_DECIMALS) and unpadded(said, TEXT_DECIMALS).endswith(("0", ".")))


# --- ids and nonces ---


@given(st.text(min_size=1), st.integers(1, 2**32 - 1))
def test_a_cloid_is_computed_from_session_and_seq_and_read_back(session: str, seq: int) -> None:
    ids = OrderID(session)
    made = ids.make(seq)
    assert Cloid.from_str(made).to_raw() == made
    assert ids.parse(made) == seq
    assert OrderID(session + "x").parse(made) is None
    assert ids.parse("0x" + "0" * 32) is None


def keys(**more: str) -> Credentials:
    return Credentials(Secret(more.get("key", AGENT)), Secret(KEY), Secret(more.get("vault", "")))


def test_the_socket_sends_the_body_of_rest_under_numbers_and_both_draw_from_one_row_of_nonces() -> None:
    client = Client("https://x", Signer(KEY, mainnet=True))
    socket = TradeWebsocket(V, "", client)
    request = formats().request("place", place())
    first = json.loads(socket.encode(request, "o7-0", NOW))
    second = json.loads(client.sign(request, NOW).body)
    third = json.loads(socket.encode(request, "o8-0", NOW - 50))
    assert (first["method"], first["id"], third["id"], first["request"]["type"]) == ("post", 1, 2, "action")
    nonces = [first["request"]["payload"]["nonce"], second["nonce"], third["request"]["payload"]["nonce"]]
    assert nonces == [NOW, NOW + 1, NOW + 2]
    assert first["request"]["payload"]["action"] == second["action"]
    answer = b'{"channel":"post","data":{"id":2,"response":{"type":"error","payload":"429 Too Many Requests"}}}'
    assert socket.receive(answer, 0) == ()
    assert socket.answers == [("o8-0", answer)]
    kept = socket.strike(socket.encode(request, "o9-0", NOW))
    assert json.loads(kept)["request"]["payload"]["signature"].keys() == {"r", "v"}


def test_an_account_is_named_by_its_address_or_by_its_vaults() -> None:
    settings_ = VenueSettings(V)
    with pytest.raises(WrongUse, match="address"):
        Exchange(settings_, Heard(), WallClock(), "s", keys(key="me"))
    own = Exchange(settings_, Heard(), WallClock(), "s", keys(key=AGENT.upper().replace("X", "x")))
    assert json.loads(own.request("wallet", Query(), NOW).body)["user"] == AGENT, "in small letters"
    vault = Exchange(settings_, Heard(), WallClock(), "s", keys(vault=VAULT))
    assert json.loads(vault.request("wallet", Query(), NOW).body)["user"] == VAULT
    assert json.loads(vault.request("place", place(), NOW).body)["vaultAddress"] == VAULT


def test_mainnet_knows_its_first_assets_and_testnet_none() -> None:
    order = place(symbol="SOL")
    assert (
        json.loads(Exchange(VenueSettings(V), Heard(), WallClock(), "s", keys()).build("place", order).body)["orders"][
            0
        ]["a"]
        == 5
    )
    with pytest.raises(WrongUse, match="instruments"):
        Exchange(VenueSettings(V, environment="testnet"), Heard(), WallClock(), "s", keys()).build("place", order)


@given(st.lists(st.lists(st.integers(-5_000, 5_000), min_size=1, max_size=30), min_size=1, max_size=6))
def test_no_nonce_is_taken_twice_in_bursts_over_restarts_and_under_clocks_set_back(
    tmp_path_factory: pytest.TempPathFactory, lives: list[list[int]]
) -> None:
    path = tmp_path_factory.mktemp("nonces") / "deep" / "agent.nonce"
    taken, now_ms = [], NOW
    for steps in lives:  # each a process that ends without a word
        nonces = Nonces()
        nonces.keep(path)
        for step in steps:
            now_ms += step
            taken.append(nonces.take(now_ms))
        nonces.close()
    assert taken == sorted(set(taken))


def test_a_disk_that_fails_is_told_once_and_cancels_are_signed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    nonces, told = Nonces(), list[str]()
    nonces.on_failure = told.append
    nonces.keep(tmp_path / "agent.nonce")
    monkeypatch.setattr("adapters.base.nonces.os.pwrite", full)
    assert [nonces.take(now_ms) for now_ms in (50, 50, 20)] == [50, 51, 52]
    assert told == ["nonces can be kept no more: No space left on device"]


def test_one_signs_at_a_time_and_what_is_no_file_of_nonces_is_said(tmp_path: Path) -> None:
    path = tmp_path / "agent.nonce"
    first, second = Nonces(), Nonces()
    first.keep(path)
    with pytest.raises(WrongUse, match="somebody else signs"):
        second.keep(path)
    first.close()
    second.keep(path)
    second.close()
    path.write_text("not a number at all")
    with pytest.raises(WrongUse, match="no file of nonces"):
        first.keep(path)
    with pytest.raises(WrongUse, match="cannot keep"):
        first.keep(tmp_path / "agent.nonce" / "x")


def test_only_the_depths_and_channels_it_has_are_served() -> None:
    with pytest.raises(WrongUse, match="depth 200"):
        Exchange(VenueSettings(V, book_depth=200), Heard(), WallClock(), "s")
    exchange = Exchange(VenueSettings(V), Heard(), WallClock(), "s")
    with pytest.raises(WrongUse, match="liquidations"):
        exchange.public_sockets([Subscription("liquidations", BTC)])
    asyncio.run(exchange.close())
