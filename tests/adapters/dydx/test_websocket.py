"""The public protocol without a socket: what is sent, and what a message that is missing, doubled or refused means."""

import json
from typing import Any

import pytest

from adapters.base.settings import Subscription, VenueSettings
from adapters.dydx.websocket import Websocket
from state.errors import WrongUse
from state.events import BookDelta, BookSnapshot, Candle, FeedStatus

SECOND = 1_000_000_000
BTC = "book/BTC-USD"


def said(kind: str, number: int, contents: Any = None, channel: str = "v4_orderbook", name: str = "BTC-USD") -> bytes:
    head = {"type": kind, "connection_id": "c", "message_id": number}
    if kind in ("connected", "error"):
        return json.dumps(head | (contents or {})).encode()
    return json.dumps(head | {"id": name, "channel": channel, "contents": contents}, separators=(",", ":")).encode()


BOOK = {"bids": [{"price": "99", "size": "1"}], "asks": [{"price": "101", "size": "1"}]}


def opened(*topics: str) -> Websocket:
    socket = Websocket("dydx", "public.0", "wss://x", topics or (BTC,))
    socket.on_disconnect("first connection", "connecting")
    assert len(socket.on_connect(0)) == len(topics or (BTC,))
    assert socket.receive(said("connected", 0), 0) == ()
    return socket


def test_a_book_is_asked_for_again_before_its_stale_levels_are_old() -> None:
    socket = opened()
    snapshot, ok = socket.receive(said("subscribed", 1, BOOK), 0)
    assert isinstance(snapshot, BookSnapshot)
    assert ok == FeedStatus("dydx", "BTC-USD", "book", "ok")
    assert socket.is_ready
    assert socket.heartbeat(299 * SECOND) == []
    frames = [json.loads(frame) for frame in socket.heartbeat(301 * SECOND)]
    assert [(frame["type"], frame["channel"], frame["id"]) for frame in frames] == [
        ("unsubscribe", "v4_orderbook", "BTC-USD"), ("subscribe", "v4_orderbook", "BTC-USD"),
    ]  # fmt: skip
    assert socket.heartbeat(303 * SECOND) == [], "once"
    (delta,) = socket.receive(said("channel_data", 2, {"bids": [["98", "2"]]}), 0)
    assert isinstance(delta, BookDelta), "it goes on meanwhile"
    (again,) = socket.receive(said("subscribed", 4, BOOK), 0)
    assert isinstance(again, BookSnapshot)
    assert again.bids == [(99.0, 1.0)]


@pytest.mark.parametrize(
    ("numbers", "lost"),
    [
        pytest.param([2, 3, 4], "", id="in order"),
        pytest.param([2, 2, 3], "", id="an error repeats the number before it"),
        pytest.param([2, 4], "message 3 was lost", id="one is missing"),
    ],
)
def test_a_missing_number_ends_the_connection(numbers: list[int], lost: str) -> None:
    socket = opened()
    socket.receive(said("subscribed", 1, BOOK), 0)
    for number in numbers:
        socket.receive(said("channel_data", number, {"bids": [["98", "2"]]}), 0)
    assert socket.over == lost


def test_an_answer_that_comes_after_later_messages_is_no_loss() -> None:
    socket = opened(BTC, "trades/ETH-USD")
    socket.receive(said("subscribed", 1, BOOK), 0)
    socket.receive(said("channel_data", 3, {"bids": [["98", "2"]]}), 0)
    assert socket.over == "", "its number was drawn when it was asked for"
    socket.receive(said("subscribed", 2, {"trades": []}, "v4_trades", "ETH-USD"), 0)
    assert socket.over == ""
    assert socket.is_ready


def test_a_message_that_was_told_before_changes_nothing() -> None:
    socket = opened()
    socket.receive(said("subscribed", 1, BOOK), 0)
    delta = said("channel_data", 2, {"bids": [["98", "2"]]})
    assert len(socket.receive(delta, 0)) == 1
    assert len(socket.receive(delta, 0)) == 0


def test_what_it_could_not_fetch_is_asked_for_again_and_what_it_does_not_have_is_refused() -> None:
    socket = opened(BTC, "book/XXX-USD")
    assert (
        socket.receive(
            said("error", 0, {"message": "Internal error, could not fetch data for subscription: v4_orderbook."}), 0
        )
        == ()
    )
    assert len(socket.heartbeat(SECOND)) == 2
    assert socket.heartbeat(2 * SECOND) == []
    told = socket.receive(
        said("error", 0, {"message": "Invalid subscription id for channel: (v4_orderbook-XXX-USD)"}), 0
    )
    assert [(event.symbol, event.status) for event in told if isinstance(event, FeedStatus)] == [("XXX-USD", "down")]
    socket.receive(said("subscribed", 3, BOOK), 0)
    assert socket.is_ready, "the other one goes on"


def test_a_candle_is_closed_by_the_next_unless_something_may_have_been_missed() -> None:
    socket = opened("candles/BTC-USD/1MIN")

    def told(kind: str, number: int, contents: Any) -> list[tuple[int, float, bool]]:
        events = socket.receive(said(kind, number, contents, "v4_candles", "BTC-USD/1MIN"), 0)
        return [
            (event.start // SECOND // 60, event.close, event.closed) for event in events if isinstance(event, Candle)
        ]

    def row(minute: int, close: str) -> dict[str, str]:
        prices = dict.fromkeys(("low", "high", "open"), close)
        named = {"startedAt": f"1970-01-01T00:{minute:02}:00.000Z", "ticker": "BTC-USD", "resolution": "1MIN"}
        return named | prices | {"close": close, "baseTokenVolume": "1"}

    history = {"candles": [row(2, "20"), row(1, "10")]}
    assert told("subscribed", 1, history) == [(1, 10, False), (1, 10, True), (2, 20, False)], "newest first on the wire"
    assert told("channel_data", 2, row(2, "21")) == [(2, 21, False)]
    assert told("channel_data", 3, row(1, "9")) == [], "an old one says nothing"
    assert told("channel_data", 4, row(3, "30")) == [(2, 21, True), (3, 30, False)]
    assert told("channel_data", 5, {"resolution": 7}) == []
    assert told("channel_data", 6, row(4, "40")) == [(4, 40, False)], "what became of the one before is not known"
    assert told("subscribed", 7, history) == [(1, 10, False), (1, 10, True), (2, 20, False)], "a snapshot begins anew"


def test_subscriptions_are_spread_as_the_venue_limits_them() -> None:
    symbols = [f"A{n}-USD" for n in range(70)]
    wanted = [Subscription(kind, symbol) for symbol in symbols for kind in ("book", "ticker", "trades", "liquidations")]
    sockets = Websocket.of(VenueSettings("dydx"), "wss://x", wanted)
    sent = [[json.loads(frame) for frame in socket.on_connect(0)] for socket in sockets]
    assert [sum(frame["channel"] == "v4_orderbook" for frame in frames) for frames in sent] == [32, 32, 6]
    assert [sum(frame["channel"] == "v4_trades" for frame in frames) for frames in sent] == [32, 32, 6], (
        "one for two topics"
    )
    assert [sum(frame["channel"] == "v4_markets" for frame in frames) for frames in sent] == [1, 0, 0]
    with pytest.raises(WrongUse, match="no candles of 7 s"):
        Websocket.of(VenueSettings("dydx"), "wss://x", [Subscription("candles", "BTC-USD", interval_s=7)])
