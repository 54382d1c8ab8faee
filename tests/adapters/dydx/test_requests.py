"""What leaves for each wish: how long it lives, what replaces and cancels it, and what is refused before it leaves."""

import sys
from decimal import Decimal

import pytest
from dydx_v4_client.key_pair import KeyPair
from dydx_v4_client.node import builder, message
from dydx_v4_client.wallet import Wallet
from hypothesis import given
from hypothesis import strategies as st
from v4_proto.cosmos.tx.v1beta1.tx_pb2 import AuthInfo, TxBody
from v4_proto.dydxprotocol.accountplus.tx_pb2 import TxExtension
from v4_proto.dydxprotocol.clob.tx_pb2 import MsgBatchCancel, MsgCancelOrder, MsgPlaceOrder

from adapters.base.orderid import OrderID
from adapters.base.query import Query
from adapters.base.settings import VenueSettings
from adapters.bybit.exchange import Exchange as Bybit
from adapters.dydx.exchange import Exchange
from adapters.dydx.orderid import numbers, text
from adapters.dydx.terms import REST_BLOCKS, WINDOW_BLOCKS
from state.clock import WallClock
from state.errors import NotOffered, OffGrid, WrongUse
from state.events import AmendOrder, CancelAll, CancelOrder, OrderUpdate, PlaceOrder
from state.words import OrderStatus
from tests.adapters.dydx.desk import (
    ACCOUNT_NUMBER,
    ADDRESS,
    CHAIN,
    GIVEN,
    HEIGHT,
    ID,
    KEY,
    Nowhere,
    exchange,
    message_of,
    order,
    sent,
)


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
    before = int(desk.lifetimes.now_s())
    built = message_of(sent(desk, "place", order(tif=tif))[1], MsgPlaceOrder).order
    assert built.order_id.order_flags == flags
    if flags:
        assert 3_599 <= built.good_til_block_time - before <= 3_602
    else:
        assert built.good_til_block == HEIGHT + blocks
    pool = desk.build("place", order(tif=tif)).endpoint.pool
    assert pool == ("stateful" if flags else "short-term")


def test_a_life_that_no_order_can_have_is_wrong_use() -> None:
    with pytest.raises(WrongUse, match="a time above 0"):
        exchange(order_life_s=0.0)
    with pytest.raises(WrongUse, match="rest until they are cancelled"):
        Bybit(VenueSettings("bybit", order_life_s=5.0), Nowhere(), WallClock(), "s")


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
    desk.formats.account.blocks.passed(HEIGHT + 1, None)
    assert message_of(sent(desk, "amend", amend)[1], MsgPlaceOrder).order.good_til_block == HEIGHT + 21


@pytest.mark.parametrize(
    ("filled", "status", "blocks", "refusal"),
    [
        pytest.param("0", "open", REST_BLOCKS + 1, "", id="of what has not filled, another order is as good"),
        pytest.param("0.01", "open", REST_BLOCKS - 2, "", id="in time"),
        pytest.param("0.01", "open", REST_BLOCKS - 1, "busy", id="its fills would count no more when it arrives"),
        pytest.param("0", "open", REST_BLOCKS + 4, "gone", id="its end was told"),
        pytest.param("0", "cancelled", 1, "gone", id="it was cancelled"),
        pytest.param("0.02", "filled", 1, "gone", id="it was filled"),
    ],
)
def test_an_amendment_never_makes_another_order_of_one_that_has_filled_or_ended(
    filled: str, status: OrderStatus, blocks: int, refusal: str
) -> None:
    desk = exchange()
    sent(desk, "place", order())
    update = OrderUpdate("dydx", "BTC-USD", None, ID, "o", status, "buy", size=Decimal("0.02"), filled=Decimal(filled))
    desk.lifetimes.note(update, 0, HEIGHT + REST_BLOCKS)
    desk.formats.account.blocks.passed(HEIGHT + blocks, None)
    amend = AmendOrder("dydx", "BTC-USD", ID, Decimal(90_000), Decimal("0.02"))
    if not refusal:
        assert message_of(sent(desk, "amend", amend)[1], MsgPlaceOrder).order.good_til_block > HEIGHT + REST_BLOCKS
        return
    with pytest.raises(NotOffered) as refused:
        desk.request("amend", amend)
    assert refused.value.refusal == refusal


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
    desk.formats.account.blocks.passed(HEIGHT + 1, None)
    first, second = desk.cancel_scopes("")
    _, raw = sent(desk, "cancel_all", first)
    batches = message_of(raw, MsgBatchCancel).short_term_cancels
    assert sorted(batch.clob_pair_id for batch in batches) == [0, 1]
    assert sum(len(batch.client_ids) for batch in batches) == 100
    sent(desk, "cancel_all", second)
    assert desk.cancel_scopes("") == [], "all are cancelled at this height"
    desk.formats.account.blocks.passed(HEIGHT + 2, None)
    assert sum(len(scope.client_id.split(",")) for scope in desk.cancel_scopes("ETH-USD")) == 50, "a wish, so again"
    desk.formats.account.blocks.passed(HEIGHT + WINDOW_BLOCKS + 9, None)
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
    monkeypatch.delitem(sys.modules, "adapters.base.cosmos_key", raising=False)
    monkeypatch.setitem(sys.modules, "dydx_v4_client.key_pair", None)
    public = Exchange(VenueSettings("dydx"), Nowhere(), WallClock(), "s")
    assert public.request("book", Query(symbol="BTC-USD")).url.endswith("/v4/orderbooks/perpetualMarket/BTC-USD")
    with pytest.raises(WrongUse, match=r"tapeline\[dydx\]"):
        exchange()
