"""Binance's own Python SDK reads and trades on the loopback venue; its models take every answer without a warning."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from tests.adapters.loopback.binance.binance_wire import KEY, SECRET
from tests.later import Later
from tests.patience import PATIENCE_S

configuration = Later("binance_common.configuration")
errors = Later("binance_common.errors")
futures = Later("binance_sdk_derivatives_trading_usds_futures.derivatives_trading_usds_futures")
models = Later("binance_sdk_derivatives_trading_usds_futures.rest_api.models")

pytestmark = pytest.mark.filterwarnings("ignore:parameter 'timeout' of type 'float' is deprecated:DeprecationWarning")
BTC = {"symbol": "BTCUSDT"}
LIMIT = BTC | {"side": "BUY", "type": "LIMIT", "time_in_force": "GTC", "quantity": 0.01, "price": 64500.0}


def client_of(venue, key: str = KEY, secret: str = SECRET):
    return futures.DerivativesTradingUsdsFutures(
        config_rest_api=configuration.ConfigurationRestAPI(
            key, secret, base_path=venue.rest_url, timeout=5_000, retries=0
        ),
        config_ws_api=configuration.ConfigurationWebSocketAPI(key, secret, stream_url=venue.trade_url),
        config_ws_streams=configuration.ConfigurationWebSocketStreams(stream_url=venue.stream_url),
    )


@pytest.fixture
def rest(threaded):
    api = client_of(threaded.venue).rest_api
    yield api
    api._session.close()


@pytest.fixture(autouse=True)
def nothing_is_misread(caplog):
    """The SDK logs a warning where an answer does not fit its model, and goes on."""
    caplog.set_level(logging.WARNING)
    yield
    assert [record.getMessage() for record in caplog.records] == []


PUBLIC = [
    ("test_connectivity", {}),
    ("check_server_time", {}),
    ("exchange_information", {}),
    ("order_book", BTC | {"limit": 5}),
    ("recent_trades_list", BTC),
    ("compressed_aggregate_trades_list", BTC),
    ("kline_candlestick_data", BTC | {"interval": "1m"}),
    ("mark_price", BTC),
    ("mark_price", {}),
    ("get_funding_rate_history", {}),
    ("get_funding_rate_info", {}),
    ("ticker24hr_price_change_statistics", BTC),
    ("ticker24hr_price_change_statistics", {}),
    ("symbol_price_ticker_v2", BTC),
    ("symbol_price_ticker_v2", {}),
    ("symbol_order_book_ticker", BTC),
    ("symbol_order_book_ticker", {}),
    ("open_interest", BTC),
]
PRIVATE = [
    ("account_information_v3", {}),
    ("futures_account_balance_v3", {}),
    ("futures_account_configuration", {}),
    ("get_current_position_mode", {}),
    ("get_current_multi_assets_mode", {}),
    ("get_income_history", {}),
    ("notional_and_leverage_brackets", {}),
    ("query_user_rate_limit", {}),
    ("symbol_configuration", {}),
    ("user_commission_rate", BTC),
    ("position_information_v3", {}),
    ("position_adl_quantile_estimation", {}),
    ("account_trade_list", BTC),
    ("current_all_open_orders", {}),
    ("all_orders", BTC),
    ("users_force_orders", {}),
    ("change_initial_leverage", BTC | {"leverage": 20}),
    ("auto_cancel_all_open_orders", BTC | {"countdown_time": 0}),
    ("cancel_all_open_orders", BTC),
    ("cancel_all_algo_open_orders", BTC),
    ("start_user_data_stream", {}),
]


def test_every_answer_fits_its_model(threaded, rest) -> None:
    rest.new_order(**LIMIT)
    rest.new_order(symbol="BTCUSDT", side="SELL", type="MARKET", quantity=0.02)
    threaded.call(lambda venue: venue.floor.fund("BTCUSDT", time.time_ns() // 1_000_000))
    for name, fields in PUBLIC + PRIVATE:
        assert getattr(rest, name)(**fields).data() is not None, name
    truth = threaded.call(lambda venue: venue.books["BTCUSDT"])
    book = rest.order_book(symbol="BTCUSDT", limit=20).data()
    assert [(Decimal(p), Decimal(s)) for p, s in book.bids] == truth.bids[:20]


def test_an_order_is_placed_amended_asked_for_and_cancelled(rest) -> None:
    placed = rest.new_order(**LIMIT | {"time_in_force": "GTX", "new_client_order_id": "s1"}).data()
    amended = rest.modify_order(symbol="BTCUSDT", side="BUY", quantity=0.02, price=64600.0, order_id=placed.order_id)
    assert (amended.data().price, amended.data().orig_qty) == ("64600.00", "0.020")
    history = rest.get_order_modify_history(symbol="BTCUSDT", order_id=placed.order_id).data()
    assert (history[0].amendment.price.before, history[0].amendment.price.after) == ("64500.00", "64600.00")
    asked = rest.query_order(symbol="BTCUSDT", orig_client_order_id="s1").data()
    assert (asked.order_id, asked.status, asked.time_in_force) == (placed.order_id, "NEW", "GTX")
    assert rest.query_current_open_order(symbol="BTCUSDT", order_id=placed.order_id).data().client_order_id == "s1"
    assert rest.cancel_order(symbol="BTCUSDT", order_id=placed.order_id).data().status == "CANCELED"
    with pytest.raises(errors.BadRequestError, match="-2011"):
        rest.cancel_order(symbol="BTCUSDT", order_id=placed.order_id)


def test_a_market_order_makes_fills_a_position_and_a_commission(threaded, rest) -> None:
    done = rest.new_order(symbol="BTCUSDT", side="BUY", type="MARKET", quantity=0.01, new_order_resp_type="RESULT")
    assert (done.data().status, done.data().executed_qty) == ("FILLED", "0.010")
    fills = rest.account_trade_list(symbol="BTCUSDT").data()
    assert sum(Decimal(fill.qty) for fill in fills) == Decimal("0.010")
    assert rest.position_information_v3(symbol="BTCUSDT").data()[0].position_amt == "0.010"
    paid = sum(Decimal(line.income) for line in rest.get_income_history(income_type="COMMISSION").data())
    wallet = Decimal(rest.account_information_v3().data().total_wallet_balance)
    assert wallet == 100_000 + paid == threaded.call(lambda venue: venue.truth(KEY)).wallet


def test_a_batch_answers_each_item_for_itself(rest) -> None:
    def item(price: float):
        fields = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
        return models.PlaceMultipleOrdersBatchOrdersParameterInner(**fields, quantity=0.01, price=price)

    good, bad = rest.place_multiple_orders(batch_orders=[item(64400.0), item(1.0)]).data()
    assert good.status == "NEW"
    assert bad.code == -4164, bad
    change = models.ModifyMultipleOrdersBatchOrdersParameterInner(
        symbol="BTCUSDT", side="BUY", order_id=good.order_id, quantity=0.02, price=64300.0
    )
    assert rest.modify_multiple_orders(batch_orders=[change]).data()[0].price == "64300.00"
    gone, unknown = rest.cancel_multiple_orders(symbol="BTCUSDT", order_id_list=[good.order_id, 5]).data()
    assert gone.status == "CANCELED"
    assert unknown.code == -2011


def test_a_conditional_order_lives_and_is_cancelled(rest) -> None:
    fields = BTC | {"algo_type": "CONDITIONAL", "side": "SELL", "type": "STOP_MARKET", "trigger_price": 64000.0}
    placed = rest.new_algo_order(**fields, quantity=0.01).data()
    assert rest.current_all_algo_open_orders().data()[0].algo_id == placed.algo_id
    assert rest.query_algo_order(algo_id=placed.algo_id).data().algo_status == "NEW"
    rest.cancel_algo_order(algo_id=placed.algo_id)
    assert rest.query_all_algo_orders(symbol="BTCUSDT").data()[0].algo_status == "CANCELED"


def test_a_wrong_secret_and_an_unknown_key_are_told_apart(threaded) -> None:
    for key, secret, error, code in (
        (KEY, "wrong", errors.BadRequestError, "-1022"),
        ("nobody", SECRET, errors.UnauthorizedError, "-2015"),
    ):
        api = client_of(threaded.venue, key, secret).rest_api
        with pytest.raises(error, match=code):
            api.account_information_v3()
        api._session.close()


@asynccontextmanager
async def connected(api):
    """A socket of the SDK, closed with the task that would renew it after a day."""
    await api.create_connection()
    try:
        yield api
    finally:
        await api.close_connection()


async def test_the_streams_and_the_order_socket(threaded, monkeypatch) -> None:
    monkeypatch.setattr("binance_common.websocket.SUBSCRIBE_MESSAGE_DELAY_SECONDS", 0)
    client, venue = client_of(threaded.venue), threaded.venue
    key = client.rest_api.start_user_data_stream().data().listen_key
    client.rest_api._session.close()
    heard: dict[str, asyncio.Queue] = {}

    async def listen(name: str, opening) -> None:
        queue = heard[name] = asyncio.Queue()
        (await opening).on("message", queue.put_nowait)

    async def next_of(name: str):
        return await asyncio.wait_for(heard[name].get(), PATIENCE_S)

    async with connected(client.websocket_streams) as streams, connected(client.websocket_api) as orders:
        await listen("depth", streams.diff_book_depth_streams(symbol="btcusdt", update_speed="100ms"))
        await listen("top", streams.partial_book_depth_streams(symbol="btcusdt", levels="5", update_speed="100ms"))
        await listen("best", streams.individual_symbol_book_ticker_streams(symbol="btcusdt"))
        await listen("trades", streams.aggregate_trade_streams(symbol="btcusdt"))
        await listen("mark", streams.mark_price_stream(symbol="btcusdt", update_speed="1s"))
        await listen("candle", streams.kline_candlestick_streams(symbol="btcusdt", interval="1m"))
        await listen("day", streams.individual_symbol_ticker_streams(symbol="btcusdt"))
        await listen("user", streams.user_data(key))
        while not await asyncio.to_thread(threaded.call, lambda v: v.subscribed(KEY) and len(v.streams()) == 7):
            await streams.list_subscribe()
        await asyncio.to_thread(threaded.call, lambda v: v.step(200))
        first = await next_of("depth")
        assert first.pu < first.U
        for name in ("top", "best", "trades", "mark", "candle", "day"):
            assert (await next_of(name)).s == "BTCUSDT", name
        placed = (await orders.new_order(**LIMIT | {"new_client_order_id": "w1"})).data()
        assert (placed.status, placed.result.status) == (200, "NEW")
        await orders.modify_order(symbol="BTCUSDT", side="BUY", quantity=0.02, price=64400.0, orig_client_order_id="w1")
        asked = (await orders.query_order(symbol="BTCUSDT", orig_client_order_id="w1")).data()
        assert (asked.result.price, asked.result.orig_qty) == ("64400.00", "0.020")
        gone = await orders.cancel_order(symbol="BTCUSDT", orig_client_order_id="w1")
        assert gone.data().result.status == "CANCELED"
        assert [limit.limit for limit in gone.rate_limits] == [2400, 1200, 300]
        states = [(await next_of("user")).actual_instance.o.x for _ in range(3)]
        assert states == ["NEW", "AMENDMENT", "CANCELED"]
        assert (await orders.order_book(symbol="BTCUSDT")).data().result.last_update_id >= first.u
    assert venue.truth(KEY).open_orders == {}
