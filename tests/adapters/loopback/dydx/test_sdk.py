"""dydx-v4-client, unchanged: its indexer client, its socket and its node client on the loopback dYdX."""

from __future__ import annotations

import asyncio
import threading
from decimal import Decimal

from dydx_v4_client import MAX_CLIENT_ID, OrderFlags, network
from dydx_v4_client.indexer.candles_resolution import CandlesResolution
from dydx_v4_client.indexer.rest.constants import OrderType
from dydx_v4_client.indexer.rest.indexer_client import IndexerClient
from dydx_v4_client.indexer.socket.websocket import IndexerSocket
from dydx_v4_client.key_pair import KeyPair
from dydx_v4_client.node.client import NodeClient
from dydx_v4_client.node.market import Market
from dydx_v4_client.wallet import Wallet
from v4_proto.dydxprotocol.clob.order_pb2 import Order
from v4_proto.dydxprotocol.clob.tx_pb2 import OrderBatch

from tests.adapters.loopback.dydx.dydx_wire import ADDRESS, SECRET

MNEMONIC = "abandon " * 11 + "about"


def test_the_indexer_client_reads_the_public_side_and_an_account(threaded) -> None:
    client = IndexerClient(threaded.venue.rest_url)

    async def read() -> None:
        assert set(await client.utility.get_time()) == {"iso", "epoch"}
        assert int((await client.utility.get_height())["height"]) == threaded.venue.chain.height
        assert set((await client.markets.get_perpetual_markets())["markets"]) == {"BTC-USD", "ETH-USD"}
        one = await client.markets.get_perpetual_markets("BTC-USD")
        assert set(one["markets"]) == {"BTC-USD"}
        book = await client.markets.get_perpetual_market_orderbook("BTC-USD")
        truth = threaded.call(lambda venue: venue.books["BTC-USD"])
        assert [(Decimal(row["price"]), Decimal(row["size"])) for row in book["bids"]] == truth.bids[:100]
        assert len((await client.markets.get_perpetual_market_trades("BTC-USD", limit=5))["trades"]) == 5
        candles = await client.markets.get_perpetual_market_candles("BTC-USD", "1MIN", limit=3)
        assert len(candles["candles"]) == 3
        assert (await client.account.get_subaccounts(ADDRESS))["subaccounts"][0]["equity"] == "100000"
        assert (await client.account.get_subaccount(ADDRESS, 0))["subaccount"]["subaccountNumber"] == 0
        assert (await client.account.get_subaccount_asset_positions(ADDRESS, 0))["positions"][0]["size"] == "100000"
        assert await client.account.get_subaccount_orders(ADDRESS, 0) == []
        assert (await client.account.get_subaccount_fills(ADDRESS, 0))["fills"] == []
        assert (await client.account.get_subaccount_transfers(ADDRESS, 0))["transfers"] == []
        assert (await client.account.get_funding_payments(ADDRESS, 0))["fundingPayments"] == []
        assert (await client.utility.compliance_screen(ADDRESS))["status"] == "COMPLIANT"

    asyncio.run(read())


def test_the_indexer_socket_hears_every_channel(threaded) -> None:
    heard: dict[str, list[str]] = {}
    wanted = {"v4_orderbook": 3, "v4_trades": 1, "v4_candles": 1, "v4_markets": 1}
    done = threading.Event()

    def opened(socket: IndexerSocket) -> None:
        socket.order_book.subscribe("BTC-USD", batched=False)
        socket.trades.subscribe("BTC-USD", batched=True)
        socket.candles.subscribe("BTC-USD", CandlesResolution.ONE_MINUTE, batched=False)
        socket.markets.subscribe(batched=False)
        socket.subaccounts.subscribe(ADDRESS, 0)

    def received(socket: IndexerSocket, message) -> None:
        heard.setdefault(message.get("channel", message["type"]), []).append(message["type"])
        if all(len(heard.get(name, [])) > more for name, more in wanted.items()) and "v4_subaccounts" in heard:
            done.set()
            socket.close()

    socket = IndexerSocket(threaded.venue.public_url, on_open=opened, on_message=received)
    listening = threading.Thread(target=socket.run_forever, daemon=True)
    listening.start()
    for _ in range(200):
        threaded.call(lambda venue: (venue.step(30), venue.make_block(), venue.publish()))
        if done.wait(0.02):
            break
    listening.join(10)
    assert done.is_set()
    assert heard["connected"] == ["connected"]
    assert heard["v4_trades"][:2] == ["subscribed", "channel_batch_data"]
    assert heard["v4_orderbook"][:2] == ["subscribed", "channel_data"]


def test_the_node_client_places_replaces_and_cancels(threaded) -> None:
    venue = threaded.venue
    config = network.make_insecure(network.local_node, venue.rest_url, venue.public_url, venue.grpc_address).node

    async def trade() -> None:
        node = await NodeClient.connect(config)
        wallet = await Wallet.from_mnemonic(node, MNEMONIC, ADDRESS)
        assert (wallet.account_number, wallet.key.key.secret.hex()) == (12_345, SECRET)
        assert await node.latest_block_height() == venue.chain.height
        market = Market(
            (await IndexerClient(venue.rest_url).markets.get_perpetual_markets("BTC-USD"))["markets"]["BTC-USD"]
        )
        order_id = market.order_id(ADDRESS, 0, 77, OrderFlags.SHORT_TERM)

        def order(size: float, price: int, blocks: int) -> Order:
            return market.order(
                order_id=order_id, order_type=OrderType.LIMIT, side=Order.SIDE_BUY, size=size, price=price,
                time_in_force=Order.TIME_IN_FORCE_UNSPECIFIED, reduce_only=False,
                good_til_block=venue.chain.height + blocks,
            )  # fmt: skip

        placed = await node.place_order(wallet, order(0.01, 80_000, 5))
        assert (placed.tx_response.code, placed.tx_response.codespace) == (0, "")
        assert (await node.place_order(wallet, order(0.01, 80_000, 5))).tx_response.code in (19, 20)
        assert (await node.place_order(wallet, order(0.02, 81_000, 9))).tx_response.code == 0
        (resting,) = threaded.call(lambda v: v.truth(ADDRESS).open_orders.values())
        assert (resting.price, resting.size) == (81_000, Decimal("0.02"))
        gone = await node.cancel_order(wallet, order_id, good_til_block=venue.chain.height + 9)
        assert gone.tx_response.code == 0
        assert threaded.call(lambda v: v.truth(ADDRESS).open_orders) == {}
        batch = [OrderBatch(clob_pair_id=0, client_ids=[77, 78])]
        missed = await node.batch_cancel_orders(wallet, order_id.subaccount_id, batch, venue.chain.height + 10)
        assert missed.tx_response.code == 0
        assert [pair.id for pair in (await node.get_clob_pairs()).clob_pair] == [0, 1]
        assert (await node.get_clob_pair(1)).subticks_per_tick == 100_000
        config.channel.close()

    asyncio.run(trade())


def test_what_the_node_client_trades_the_indexer_client_reads(threaded) -> None:
    venue = threaded.venue
    config = network.make_insecure(network.local_node, venue.rest_url, venue.public_url, venue.grpc_address).node
    account = IndexerClient(venue.rest_url).account

    async def trade() -> None:
        node = await NodeClient.connect(config)
        wallet = await Wallet.from_mnemonic(node, MNEMONIC, ADDRESS)
        markets = (await IndexerClient(venue.rest_url).markets.get_perpetual_markets())["markets"]
        market = Market(markets["ETH-USD"])
        sent = await node.place_order(
            wallet,
            market.order(
                order_id=market.order_id(ADDRESS, 0, 5, OrderFlags.SHORT_TERM), order_type=OrderType.MARKET,
                side=Order.SIDE_SELL, size=0.25, price=float(markets["ETH-USD"]["oraclePrice"]) * 0.95,
                time_in_force=Order.TIME_IN_FORCE_UNSPECIFIED, reduce_only=False,
                good_til_block=venue.chain.height + 10,
            ),
        )  # fmt: skip
        assert sent.tx_response.code == 0, sent.tx_response.raw_log
        config.channel.close()
        threaded.call(lambda v: v.make_block())
        fills = (await account.get_subaccount_fills(ADDRESS, 0, ticker="ETH-USD", ticker_type="PERPETUAL"))["fills"]
        truth = threaded.call(lambda v: v.truth(ADDRESS))
        assert [fill["id"] for fill in fills[::-1]] == [fill.exec_id for fill in truth.fills]
        assert sum(Decimal(fill["fee"]) for fill in fills) == truth.fees
        (position,) = (await account.get_subaccount_perpetual_positions(ADDRESS, 0))["positions"]
        assert (position["side"], Decimal(position["size"])) == ("SHORT", truth.positions["ETH-USD"].size)
        (asset,) = (await account.get_subaccount_asset_positions(ADDRESS, 0))["positions"]
        assert Decimal(asset["size"]) == truth.wallet
        (order,) = await account.get_subaccount_orders(ADDRESS, 0)
        assert (order["status"], order["timeInForce"], order["totalFilled"]) == ("FILLED", "IOC", "0.25")
        assert (await account.get_order(order["id"]))["clientId"] == "5"

    asyncio.run(trade())


def test_a_long_term_order_of_the_node_client_goes_by_the_sequence(threaded) -> None:
    venue = threaded.venue
    config = network.make_insecure(network.local_node, venue.rest_url, venue.public_url, venue.grpc_address).node

    async def trade() -> None:
        node = await NodeClient.connect(config)
        wallet = Wallet(KeyPair.from_hex(SECRET), 12_345, 0)
        market = Market(
            (await IndexerClient(venue.rest_url).markets.get_perpetual_markets("ETH-USD"))["markets"]["ETH-USD"]
        )
        for number in range(2):
            order_id = market.order_id(ADDRESS, 0, MAX_CLIENT_ID - number, OrderFlags.LONG_TERM)
            order = market.order(
                order_id=order_id, order_type=OrderType.LIMIT, side=Order.SIDE_SELL, size=0.5, price=4_000,
                time_in_force=Order.TIME_IN_FORCE_POST_ONLY, reduce_only=False,
                good_til_block_time=venue.chain.time_ms // 1_000 + 3_600,
            )  # fmt: skip
            sent = await node.place_order(wallet, order)
            assert sent.tx_response.code == 0, sent.tx_response.raw_log
        threaded.call(lambda v: v.make_block(2))
        assert (await node.get_account(ADDRESS)).sequence == 2
        assert len(threaded.call(lambda v: v.truth(ADDRESS).open_orders)) == 2
        tx = await node.query_transaction(sent.tx_response.txhash)
        assert len(tx.body.messages) == 1
        listed = await IndexerClient(venue.rest_url).account.get_subaccount_orders(ADDRESS, 0, status="OPEN")
        assert {row["clientMetadata"] for row in listed} == {"2"}  # the client's own doing
        config.channel.close()

    asyncio.run(trade())
