"""The chain's own bytes, signed as the sheet's vector, the official client's own builder and ccxt have them."""

import json
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from dydx_v4_client.key_pair import KeyPair
from dydx_v4_client.node import builder, message
from dydx_v4_client.node.market import Market
from dydx_v4_client.wallet import Wallet
from hypothesis import given
from hypothesis import strategies as st
from v4_proto.cosmos.tx.v1beta1.tx_pb2 import SignDoc, TxBody
from v4_proto.dydxprotocol.clob.tx_pb2 import MsgBatchCancel, MsgCancelOrder, MsgPlaceOrder

from adapters.dydx.orderid import numbers, order_id, subaccount_id, text
from adapters.dydx.terms import WINDOW_BLOCKS
from state.events import CancelOrder
from tests.adapters.dydx.desk import (
    ACCOUNT_NUMBER,
    ADDRESS,
    BTC,
    CHAIN,
    ETH,
    HEIGHT,
    KEY,
    MNEMONIC,
    exchange,
    message_of,
    order,
    sent,
)


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
