"""What leaves: the chain's own bytes, signed as the official client and ccxt would, and read back by the chain's own classes."""

import base64
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from dydx_v4_client.key_pair import KeyPair
from dydx_v4_client.node import builder, message
from dydx_v4_client.node.market import Market
from dydx_v4_client.wallet import Wallet
from hypothesis import given, settings
from hypothesis import strategies as st
from v4_proto.cosmos.tx.v1beta1.tx_pb2 import AuthInfo, SignDoc, TxBody, TxRaw
from v4_proto.dydxprotocol.accountplus.tx_pb2 import TxExtension
from v4_proto.dydxprotocol.clob.tx_pb2 import MsgBatchCancel, MsgCancelOrder, MsgPlaceOrder

from adapters.base.orderid import OrderID
from adapters.base.query import Query
from adapters.base.settings import VenueSettings
from adapters.dydx.exchange import Exchange
from adapters.dydx.orderid import numbers, order_id, subaccount_id, text
from adapters.dydx.terms import REST_BLOCKS, WINDOW_BLOCKS
from state.clock import WallClock
from state.errors import NotOffered, OffGrid, WrongUse
from state.events import AmendOrder, AnyEvent, CancelAll, CancelOrder, PlaceOrder
from state.record import Frame
from state.secrets import Credentials, Secret

MNEMONIC = "abandon " * 11 + "about"
KEY = "c4a48e2fce1481cd3294b4490f6678090ea98d3d0e5cd984558ab0968741b104"
ADDRESS = "dydx19rl4cm2hmr8afy4kldpxz3fka4jguq0a4erelz"
HEIGHT, ACCOUNT_NUMBER, CHAIN = 66_624_085, 12_345, "dydx-testnet-4"
BTC = {
    "clobPairId": "0", "ticker": "BTC-USD", "atomicResolution": -10, "quantumConversionExponent": -9, "tickSize": "1",
    "stepBaseQuantums": 1_000_000, "subticksPerTick": 100_000, "stepSize": "0.0001", "oraclePrice": "89919.2",
}  # fmt: skip
ETH = {
    "clobPairId": "1", "ticker": "ETH-USD", "atomicResolution": -9, "quantumConversionExponent": -9, "tickSize": "0.1",
    "stepBaseQuantums": 1_000_000, "subticksPerTick": 100_000, "stepSize": "0.001", "oraclePrice": "3000",
}  # fmt: skip
GIVEN = {"height": HEIGHT, "account_number": ACCOUNT_NUMBER}
ID = text(123_456_789, 0)


class Nowhere:
    def feed(self, recv: int, events: Sequence[AnyEvent], cause: int = 0, frame: Frame | None = None) -> None:
        raise AssertionError(f"nothing is sent, nothing comes back: {events}")


def exchange(
    key: str = ADDRESS,
    secret: str = KEY,
    authenticators: str = "",
    said: Any = GIVEN,
    markets: bool = True,
    **settings: Any,
) -> Exchange:
    keys = Credentials(Secret(key), Secret(secret), Secret(authenticators))
    made = Exchange(VenueSettings("dydx", environment="testnet", **settings), Nowhere(), WallClock(), "s", keys)
    made.given(json.dumps(said))
    if markets:
        made.read("instruments", json.dumps({"markets": {"BTC-USD": BTC, "ETH-USD": ETH}}).encode(), Query())
    return made


def order(side: Any = "buy", size: str = "0.01", price: str | None = "89942", **more: Any) -> PlaceOrder:
    more = {"client_id": ID, "symbol": "BTC-USD"} | more
    limit = None if price is None else Decimal(price)
    return PlaceOrder("dydx", more.pop("symbol"), side, Decimal(size), limit, **more)


def sent(desk: Exchange, action: str, arguments: Any, now_ms: int = 7) -> tuple[bytes, TxRaw]:
    request = desk.request(action, arguments, now_ms)
    assert (request.method, request.url) == ("POST", "https://test-dydx-rest.kingnodes.com/cosmos/tx/v1beta1/txs")
    said = json.loads(request.body)
    assert said["mode"] == "BROADCAST_MODE_SYNC"
    tx = base64.b64decode(said["tx_bytes"])
    return tx, TxRaw.FromString(tx)


def message_of(raw: TxRaw, kind: Any) -> Any:
    (packed,) = TxBody.FromString(raw.body_bytes).messages
    assert packed.type_url == f"/dydxprotocol.clob.{kind.DESCRIPTOR.name}"
    return kind.FromString(packed.value)


@pytest.mark.parametrize("secret", [KEY, f"0x{KEY}", MNEMONIC], ids=["hex", "hex with 0x", "mnemonic"])
def test_the_sheets_vector_reproduces_to_the_byte(secret: str) -> None:
    tx, raw = sent(exchange(secret=secret), "place", order(tif="post_only"))
    (packed,) = TxBody.FromString(raw.body_bytes).messages
    assert packed.value.hex() == (
        "0a4a0a340a2d0a2b647964783139726c34636d32686d7238616679346b6c6470787a33666b61346a6775713061346572656c7a15"
        "15cd5b0710011880c2d72f20c0b3e2c02128e4b4e21f3802"
    )
    document = SignDoc(
        body_bytes=raw.body_bytes, auth_info_bytes=raw.auth_info_bytes, account_number=ACCOUNT_NUMBER, chain_id=CHAIN
    )
    digest = sha256(document.SerializeToString()).hexdigest()
    assert digest == "79874b7c19ca7632bd4bac592c8e220e6b79c54fbe39e231867b7ee630b5c8a7"
    assert raw.signatures[0].hex() == (
        "6bbbf6acabeca033bd567b8c0e310d7ed2f0c0f1dcdb4d0ad3286f89857fd9f20af87ed5d4cad3cfc0e272a1632c4d90b7ac3486909c589662bc7c0a3fc230b2"
    )
    assert len(tx) == 272
    assert sha256(tx).hexdigest().upper() == "F4E58D0EC0B2BD325058BE0330BB08AFB353F8F774E6AC2FBB23DF61BF5B2417"
    ours = subaccount_id(ADDRESS, 0)
    assert (ours, order_id(ours, 123_456_789, 0, 0)) == (
        "8124c702-6ea3-5aba-9cec-70849e970b6f", "9b315c48-7752-52be-a5b9-33f46beab106",
    )  # fmt: skip


# --- against the official client's own builder and ccxt's ---------------------------------------------------------

NUMBERS = st.tuples(st.integers(1, 10**6), st.integers(1, 10**6), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
SHAPES = st.tuples(st.sampled_from(("buy", "sell")), st.sampled_from(("gtc", "ioc", "post_only")), st.booleans())
TIFS = {"gtc": 0, "ioc": 1, "post_only": 2}
WALLET = Wallet(KeyPair.from_hex(KEY), ACCOUNT_NUMBER, 7)


def signed(messages: Any) -> bytes:
    """As the official client would."""
    return bytes(builder.Builder(CHAIN, "", memo="").build(WALLET, messages).SerializeToString())


@given(NUMBERS, SHAPES, st.sampled_from((BTC, ETH)), st.sampled_from((None, 3_600.0)))
@settings(max_examples=150, deadline=None)
def test_any_order_is_the_official_builders_where_its_floats_are_exact(
    of: tuple[int, int, int, int], shape: tuple[str, str, bool], market: dict[str, Any], life_s: float | None
) -> None:
    lots, ticks, number, metadata = of
    side, tif, reduce_only = shape
    size, price = lots * Decimal(market["stepSize"]), ticks * Decimal(market["tickSize"])
    reduce_only = reduce_only and tif == "ioc"
    desk, symbol = exchange(order_life_s=life_s), market["ticker"]
    wish = order(
        side, str(size), str(price), tif=tif, reduce_only=reduce_only, symbol=symbol, client_id=text(number, metadata)
    )
    tx, raw = sent(desk, "place", wish)
    ours, calculator = message_of(raw, MsgPlaceOrder).order, Market(market)
    for theirs, mine, whole, step in (
        (calculator.calculate_quantums(float(size)), ours.quantums, lots, market["stepBaseQuantums"]),
        (calculator.calculate_subticks(float(price)), ours.subticks, ticks, market["subticksPerTick"]),
    ):
        assert mine == whole * step, "never rounded"
        assert theirs in (mine, mine - step), "theirs goes through floats, and loses a step now and then"
    flags = 64 if life_s and tif != "ioc" else 0
    theirs = message.order(
        calculator.order_id(ADDRESS, 0, number, flags), ours.side, ours.quantums, ours.subticks, TIFS[tif], reduce_only,
        good_til_block=ours.good_til_block or None, good_til_block_time=ours.good_til_block_time or None,
    )  # fmt: skip
    theirs.client_metadata = metadata
    assert ours.side == (1 if side == "buy" else 2)
    assert (ours.good_til_block > HEIGHT) == (flags == 0)
    assert tx == signed(message.place_order(theirs))
    assert numbers(text(number, metadata)) == (number, metadata)


@given(
    st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=100, unique=True), st.sampled_from(("BTC-USD", "ETH-USD"))
)
@settings(max_examples=40, deadline=None)
def test_any_cancels_are_the_official_builders(ids: list[int], symbol: str) -> None:
    desk, pair = exchange(), 0 if symbol == "BTC-USD" else 1
    cancels = [CancelOrder("dydx", symbol, text(number, 5)) for number in ids]
    until = HEIGHT + WINDOW_BLOCKS
    tx, raw = sent(desk, "cancel", cancels[0])
    single = message.cancel_order(message.order_id(ADDRESS, 0, ids[0], pair, 0), good_til_block=until)
    assert message_of(raw, MsgCancelOrder).order_id.clob_pair_id == pair
    assert tx == signed(single)
    if len(ids) > 1:
        tx, raw = sent(exchange(), "cancel_batch", cancels)
        (batch,) = message_of(raw, MsgBatchCancel).short_term_cancels
        assert list(batch.client_ids) == ids
        assert tx == signed(message.batch_cancel(message.subaccount(ADDRESS, 0), [batch], until))


@pytest.fixture(scope="module")
def theirs() -> Iterator[subprocess.Popen[str]]:
    script = [sys.executable, str(Path(__file__).with_name("ccxt_signer.py")), KEY, ADDRESS, CHAIN, str(ACCOUNT_NUMBER)]
    with subprocess.Popen(script, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


@given(NUMBERS, st.sampled_from(("buy", "sell")), st.sampled_from(tuple(TIFS)), st.sampled_from((BTC, ETH)))
@settings(max_examples=60, deadline=None)
def test_any_order_is_ccxts_too(
    theirs: subprocess.Popen[str], of: tuple[int, int, int, int], side: str, tif: str, market: dict[str, Any]
) -> None:
    lots, ticks, number, _ = of
    size, price = lots * Decimal(market["stepSize"]), ticks * Decimal(market["tickSize"])
    life_s = None if tif == "ioc" else 2_592_000.0
    wish = order(side, str(size), str(price), tif=tif, symbol=market["ticker"], client_id=text(number, 0))
    tx, raw = sent(exchange(order_life_s=life_s), "place", wish, now_ms=1_765_210_316_125)
    built = message_of(raw, MsgPlaceOrder).order
    params = {
        "timeInForce": "IOC" if tif == "ioc" else "GTT", "postOnly": tif == "post_only", "clientOrderId": number,
        "latestBlockHeight": HEIGHT, "goodTillBlock": built.good_til_block or None,
    }  # fmt: skip
    asked = {"market": market, "side": side, "size": str(size), "price": str(price), "params": params}
    asked |= {"now_ms": 1_765_210_316_125, "until_s": built.good_til_block_time or None}
    assert theirs.stdin is not None
    assert theirs.stdout is not None
    theirs.stdin.write(json.dumps(asked) + "\n")
    theirs.stdin.flush()
    uuid = order_id(subaccount_id(ADDRESS, 0), number, int(market["clobPairId"]), 64 if life_s else 0)
    assert json.loads(theirs.stdout.readline()) == [uuid, f"0x{tx.hex()}"]


# --- what an order becomes ----------------------------------------------------------------------------------------


@given(st.text(max_size=30), st.integers(1, 2**32 - 1))
def test_an_order_id_reads_back_from_what_the_venue_keeps(session: str, seq: int) -> None:
    ids = OrderID(session)
    number, metadata = numbers(ids.make(seq))
    assert 0 <= number < 2**32
    assert 0 <= metadata < 2**32
    assert ids.parse(text(number, metadata)) == seq
    assert OrderID(session + "x").parse(text(number, metadata)) is None


@pytest.mark.parametrize("bad", ["", "x1", "t0123", "t0123456789abcdeg", "u0123456789abcdef"])
def test_an_id_of_another_form_is_refused_at_the_call(bad: str) -> None:
    with pytest.raises(WrongUse, match="is no order id of dydx"):
        exchange().request("place", order(client_id=bad))


@pytest.mark.parametrize(
    ("wish", "what"),
    [
        pytest.param(order(size="0.00015"), "size 0.00015 is 1500000 units", id="a size between two lots"),
        pytest.param(order(price="89942.5"), "price 89942.5", id="a price between two ticks"),
        pytest.param(order(tif="fok"), "no fok orders", id="fill or kill is gone"),
        pytest.param(order(reduce_only=True), "for ioc orders alone", id="reduce-only that rests"),
        pytest.param(order(symbol="XRP-USD"), "the numbers of 'XRP-USD' are not known", id="a market nobody told of"),
        pytest.param(order(price=None), "needs a price", id="a limit order without a limit"),
    ],
)
def test_what_cannot_be_an_order_is_refused_and_never_rounded(wish: PlaceOrder, what: str) -> None:
    with pytest.raises((OffGrid, NotOffered, WrongUse), match=what):
        exchange().request("place", wish)


def test_nothing_is_built_from_a_guess() -> None:
    for desk, what in (
        (exchange(said=GIVEN | {"height": 0}), "no block's height is known"),
        (exchange(said=GIVEN | {"account_number": None}), "number on the chain is not known"),
        (exchange(markets=False), "numbers of 'BTC-USD' are not known"),
    ):
        with pytest.raises(WrongUse, match=what):
            desk.request("place", order())
    with pytest.raises(WrongUse, match="orders need credentials"):
        Exchange(VenueSettings("dydx"), Nowhere(), WallClock(), "s").build("place", order())


def test_a_market_order_is_an_ioc_with_a_far_limit_on_the_grid() -> None:
    for side, limit in (("buy", 94_416), ("sell", 85_423)):
        _, raw = sent(exchange(), "place", order(side, price=None, kind="market", reduce_only=True))
        built = message_of(raw, MsgPlaceOrder).order
        assert (built.time_in_force, built.reduce_only, built.subticks) == (1, True, limit * 100_000)
        assert HEIGHT < built.good_til_block <= HEIGHT + 5


@pytest.mark.parametrize(
    ("life_s", "tif", "flags", "blocks"),
    [
        pytest.param(None, "gtc", 0, REST_BLOCKS, id="by default a short-term order"),
        pytest.param(2.0, "post_only", 0, 4, id="a short life in blocks"),
        pytest.param(11.0, "gtc", 0, 20, id="the longest short life"),
        pytest.param(3_600.0, "gtc", 64, 0, id="a long life is stateful"),
        pytest.param(3_600.0, "ioc", 0, 5, id="what never rests is short-term, whatever life was asked for"),
    ],
)
def test_how_long_an_order_lives_says_what_it_is(life_s: float | None, tif: str, flags: int, blocks: int) -> None:
    desk = exchange(order_life_s=life_s)
    before = int(desk.formats.now_s())
    built = message_of(sent(desk, "place", order(tif=tif))[1], MsgPlaceOrder).order
    assert built.order_id.order_flags == flags
    if flags:
        assert 3_599 <= built.good_til_block_time - before <= 3_602
    else:
        assert built.good_til_block == HEIGHT + blocks
    pool = desk.build("place", order(tif=tif)).endpoint.pool
    assert pool == ("stateful" if flags else "short-term")


def test_an_amendment_is_the_same_order_with_a_later_end_until_the_window_ends() -> None:
    desk = exchange()
    first = message_of(sent(desk, "place", order("sell", tif="post_only"))[1], MsgPlaceOrder).order
    amend = AmendOrder("dydx", "BTC-USD", ID, Decimal(90_000), Decimal("0.02"))
    for later in range(1, WINDOW_BLOCKS - REST_BLOCKS + 1):
        second = message_of(sent(desk, "amend", amend)[1], MsgPlaceOrder).order
        assert second.order_id == first.order_id
        assert (second.side, second.time_in_force, second.client_metadata) == (2, 2, first.client_metadata)
        assert second.good_til_block == first.good_til_block + later
        assert (second.quantums, second.subticks) == (200_000_000, 9_000_000_000)
    with pytest.raises(NotOffered, match="wait for the next") as refused:
        desk.request("amend", amend)
    assert refused.value.refusal == "busy"
    desk.formats.account.passed(HEIGHT + 1, None)
    assert message_of(sent(desk, "amend", amend)[1], MsgPlaceOrder).order.good_til_block == HEIGHT + 21


def test_what_cannot_be_amended_is_refused_loudly() -> None:
    amend = AmendOrder("dydx", "BTC-USD", ID, Decimal(90_000), Decimal("0.02"))
    with pytest.raises(NotOffered, match="is not known"):
        exchange().request("amend", amend)
    desk = exchange(order_life_s=600.0)
    desk.request("place", order())
    with pytest.raises(NotOffered, match="short-term orders alone"):
        desk.request("amend", amend)


def test_a_cancel_outlives_its_order_and_a_stateful_one_is_cancelled_by_its_own_time() -> None:
    desk = exchange()
    placed = message_of(sent(desk, "place", order())[1], MsgPlaceOrder).order
    cancel = message_of(sent(desk, "cancel", CancelOrder("dydx", "BTC-USD", ID))[1], MsgCancelOrder)
    assert cancel.good_til_block >= placed.good_til_block
    desk = exchange(order_life_s=600.0)
    placed = message_of(sent(desk, "place", order())[1], MsgPlaceOrder).order
    cancel = message_of(sent(desk, "cancel", CancelOrder("dydx", "BTC-USD", ID))[1], MsgCancelOrder)
    assert cancel.order_id == placed.order_id
    assert cancel.good_til_block_time == placed.good_til_block_time
    intents = [CancelOrder("dydx", "BTC-USD", ID), CancelOrder("dydx", "BTC-USD", text(9, 9))]
    assert len({desk.together("cancel", intent) for intent in intents}) == 2, "stateful orders are cancelled alone"


def test_cancel_all_is_a_batch_of_what_may_live_a_hundred_at_a_time() -> None:
    desk = exchange()
    for number in range(150):
        symbol, price = ("BTC-USD", "89942") if number % 3 else ("ETH-USD", "3000")
        desk.request("place", order(size="0.1", price=price, symbol=symbol, client_id=text(number, 1)))
    desk.formats.account.passed(HEIGHT + 1, None)
    first, second = desk.cancel_scopes("")
    _, raw = sent(desk, "cancel_all", first)
    batches = message_of(raw, MsgBatchCancel).short_term_cancels
    assert sorted(batch.clob_pair_id for batch in batches) == [0, 1]
    assert sum(len(batch.client_ids) for batch in batches) == 100
    sent(desk, "cancel_all", second)
    assert desk.cancel_scopes("") == [], "all are cancelled at this height"
    desk.formats.account.passed(HEIGHT + 2, None)
    assert sum(len(scope.client_id.split(",")) for scope in desk.cancel_scopes("ETH-USD")) == 50, "a wish, so again"
    desk.formats.account.passed(HEIGHT + WINDOW_BLOCKS + 9, None)
    assert desk.cancel_scopes("") == [], "their blocks are over"
    with pytest.raises(NotOffered, match="no order is known"):
        desk.request("cancel_all", CancelAll("dydx", ""))


def test_nonces_rise_within_a_millisecond_and_over_a_clock_that_is_set_back() -> None:
    desk = exchange()
    told = [AuthInfo.FromString(sent(desk, "place", order(), now)[1].auth_info_bytes) for now in (50, 50, 50, 20, 90)]
    assert [info.signer_infos[0].sequence for info in told] == [50, 51, 52, 53, 90]


def test_another_key_signs_for_the_owner_with_its_authenticators() -> None:
    other = "11" * 32
    with pytest.raises(WrongUse, match="of another address"):
        exchange(secret=other)
    tx, raw = sent(exchange(f"{ADDRESS}/3", other, "12, 13"), "place", order())
    built = message_of(raw, MsgPlaceOrder).order
    assert (built.order_id.subaccount_id.owner, built.order_id.subaccount_id.number) == (ADDRESS, 3)
    wallet = Wallet(KeyPair.from_hex(other), 1, 1)
    options = builder.TxOptions([12, 13], 7, ACCOUNT_NUMBER)
    assert (
        tx
        == builder.Builder(CHAIN, "", memo="")
        .build(wallet, message.place_order(built), tx_options=options)
        .SerializeToString()
    )
    (extension,) = TxBody.FromString(raw.body_bytes).non_critical_extension_options
    assert list(TxExtension.FromString(extension.value).selected_authenticators) == [12, 13]


@pytest.mark.parametrize(
    ("key", "secret", "passphrase"),
    [
        ("0xabc", KEY, ""),
        (f"{ADDRESS}/x", KEY, ""),
        (ADDRESS, KEY, "a"),
        (ADDRESS, "zz", ""),
        (ADDRESS, "two words", ""),
    ],
)
def test_credentials_of_another_form_are_refused_without_being_shown(key: str, secret: str, passphrase: str) -> None:
    with pytest.raises(WrongUse) as refused:
        exchange(key, secret, passphrase)
    assert secret not in str(refused.value)
    assert refused.value.__cause__ is None


def test_without_the_extra_market_data_works_and_orders_name_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "adapters.dydx.messages", raising=False)
    monkeypatch.setitem(sys.modules, "dydx_v4_client.key_pair", None)
    public = Exchange(VenueSettings("dydx"), Nowhere(), WallClock(), "s")
    assert public.request("book", Query(symbol="BTC-USD")).url.endswith("/v4/orderbooks/perpetualMarket/BTC-USD")
    with pytest.raises(WrongUse, match=r"tapeline\[dydx\]"):
        exchange()
