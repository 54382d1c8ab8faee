"""Public frames: a book of two cadences, trades once, candles that nobody closes, and what silence and refusals mean."""

import json
from typing import Any

import pytest

from adapters.base.settings import Subscription, VenueSettings
from adapters.hyperliquid.exchange import Decoder
from adapters.hyperliquid.websocket import BEAT_S, PING, STALE_NS, TOPICS_MOST, Websocket
from state.events import AnyEvent, BookSnapshot, Candle, FeedStatus, Ticker, Trade

V, BTC = "hyperliquid", "BTC"
T = 1754000000000


def frame(channel: str, said: object) -> bytes:
    return json.dumps({"channel": channel, "data": said}, separators=(",", ":")).encode()


def book(time: int, bids: str, asks: str, *, fast: bool = False) -> bytes:
    """Sides as `price*size` words."""
    sides = [
        [dict(zip(("px", "sz"), each.split("*"), strict=True), n=1) for each in side.split()] for side in (bids, asks)
    ]
    return frame("l2Book", {"coin": BTC, "time": T + time, "levels": sides} | ({"fast": True} if fast else {}))


def trades(*rows: tuple[int, int]) -> bytes:
    """Of (time, id)."""
    said = [
        {"coin": BTC, "side": "B", "px": "65001.0", "sz": "0.1", "time": T + at, "hash": "0x", "tid": tid, "users": []}
        for at, tid in rows
    ]
    return frame("trades", said)


def socket(*subscriptions: Subscription) -> Websocket:
    (made,) = Websocket.of(VenueSettings(V), "wss://x", subscriptions)
    return made


def standing(made: Websocket) -> Websocket:
    """Everything subscribed and echoed, with the keys that the venue adds."""
    for asked in made.on_connect(0):
        echo = json.loads(asked)
        echo["subscription"] |= {"nSigFigs": None, "mantissa": None}
        made.receive(frame("subscriptionResponse", echo), 0)
    return made


def sides(events: Any) -> list[tuple[list[float], list[float], int | None]]:
    found = [event for event in events if isinstance(event, BookSnapshot)]
    return [([p for p, _ in e.bids], [p for p, _ in e.asks], e.depth) for e in found]


DEEP = book(0, "100*1 99*1 98*1 97*1 96*1 95*1 94*1", "101*1 102*1 103*1 104*1 105*1 106*1")


def test_the_five_quick_levels_stand_over_what_the_twenty_said_beyond_them() -> None:
    decoder = Decoder()
    assert sides(decoder.receive(DEEP, 0)) == [([100, 99, 98, 97, 96, 95, 94], [101, 102, 103, 104, 105, 106], 20)]
    quick = book(500, "101*2 100*2 99*2 98*2 96.5*2", "102*2 103*2 104*2 105*2 106*2", fast=True)
    assert sides(decoder.receive(quick, 0)) == [([101, 100, 99, 98, 96.5, 96, 95, 94], [102, 103, 104, 105, 106], 20)]
    later = book(5_000, "90*1", "91*1")
    assert sides(decoder.receive(later, 0)) == [([90], [91], 20)], "what is newer and whole stands alone"


def test_a_side_of_fewer_than_five_is_all_there_is_and_older_frames_say_nothing() -> None:
    decoder = Decoder()
    decoder.receive(DEEP, 0)
    assert sides(decoder.receive(book(500, "100*2", "101*2 102*1 103*1 104*1 105*1", fast=True), 0)) == [
        ([100], [101, 102, 103, 104, 105, 106], 20)
    ]
    assert decoder.receive(book(400, "1*1", "2*1", fast=True), 0) == ()
    assert decoder.receive(book(-1, "1*1", "2*1"), 0) == ()
    same = book(500, "99*2", "101*2", fast=True)
    assert sides(decoder.receive(same, 0)) == [([99], [101], 20)], "a time may be shared"


def test_the_quick_book_alone_is_of_five() -> None:
    assert sides(Decoder().receive(book(0, "100*1", "101*1", fast=True), 0)) == [([100], [101], 5)]


@pytest.mark.parametrize(
    ("subscription", "named"),
    [
        (Subscription("book", BTC, 5), [{"type": "l2Book", "coin": BTC, "fast": True}]),
        (Subscription("book", BTC, 20), [{"type": "l2Book", "coin": BTC}]),
        (Subscription("book", BTC), [{"type": "l2Book", "coin": BTC, "fast": True}, {"type": "l2Book", "coin": BTC}]),
        (Subscription("trades", BTC), [{"type": "trades", "coin": BTC}]),
        (
            Subscription("ticker", "kPEPE"),
            [{"type": "bbo", "coin": "kPEPE"}, {"type": "activeAssetCtx", "coin": "kPEPE"}],
        ),
        (Subscription("candles", BTC, interval_s=3_600), [{"type": "candle", "coin": BTC, "interval": "1h"}]),
    ],
)
def test_a_subscription_is_said_in_the_venues_words(subscription: Subscription, named: list[dict[str, Any]]) -> None:
    asked = [json.loads(each) for each in socket(subscription).on_connect(0)]
    assert asked == [{"method": "subscribe", "subscription": each} for each in named]


def test_connections_hold_so_many_topics_and_keep_a_book_together() -> None:
    coins = [Subscription("book", f"C{n}") for n in range(TOPICS_MOST // 2 + 1)]
    first, second = Websocket.of(VenueSettings(V), "wss://x", coins)
    assert (len(first.channels), len(second.channels)) == (TOPICS_MOST, 2)


def test_a_book_is_ready_when_it_is_told_and_stale_when_nothing_comes_on_a_living_connection() -> None:
    made = standing(socket(Subscription("book", BTC, 20)))
    made.on_disconnect("first", "connecting")
    standing(made)
    assert not made.is_ready, "an echo is no book"
    assert made.receive(DEEP, 1)[-1] == FeedStatus(V, BTC, "book", "ok")
    assert made.is_ready
    assert made.heartbeat(0) == [PING]
    assert made.receive(b'{"channel":"pong"}', 2) == ()
    assert made.noticed(STALE_NS) == []
    (stale,) = made.noticed(STALE_NS + 2)
    assert (stale.channel, stale.status) == ("book", "stale")  # type: ignore[union-attr]
    assert made.noticed(STALE_NS + int(BEAT_S * 1e9)) == []
    snapshot, well = made.receive(DEEP, STALE_NS + 3)
    assert (type(snapshot), well) == (BookSnapshot, FeedStatus(V, BTC, "book", "ok"))


def test_a_refused_topic_is_down_and_the_others_stand() -> None:
    made = socket(Subscription("trades", "NOPE"), Subscription("trades", BTC))
    made.on_disconnect("first", "connecting")
    made.on_connect(0)
    words = 'Invalid subscription {"type":"trades","coin":"NOPE"}'
    (down,) = made.receive(frame("error", words), 0)
    assert down == FeedStatus(V, "NOPE", "trades", "down", f"refused: {words}")
    echo = {"method": "subscribe", "subscription": {"coin": BTC, "type": "trades"}}
    assert made.receive(frame("subscriptionResponse", echo), 0) == [FeedStatus(V, BTC, "trades", "ok")]
    assert made.is_ready


def told(events: Any) -> list[tuple[str, bool]]:
    return [(event.trade_id.split("-")[1], event.backfilled) for event in events if isinstance(event, Trade)]


def test_trades_are_told_once_over_two_subscriptions_a_reconnect_and_what_rest_adds() -> None:
    made = standing(socket(Subscription("trades", BTC)))
    assert told(made.receive(trades((1, 7), (2, 9)), 0)) == [("7", True), ("9", True)], "the first frame is of before"
    assert told(made.receive(trades((2, 9), (2, 3), (5, 4)), 0)) == [("3", False), ("4", False)]
    made.on_disconnect("gone")
    standing(made)
    assert told(made.receive(trades((2, 3), (5, 4), (9, 1)), 0)) == [("1", True)]
    rest = [
        Trade(V, BTC, (T + at) * 10**6, f"{T + at}-{tid}", 1.0, 1.0, "buy", "normal", True)
        for at, tid in ((4, 6), (5, 4), (7, 5), (9, 1))
    ]
    assert told(made.missed(BTC, rest)) == [("5", True)], "nothing of before the last one that was told"
    assert made.missed(BTC, rest) == ()
    assert told(made.receive(trades((7, 5), (11, 2)), 0)) == [("2", False)]
    assert told(made.receive(trades((12, 2)), 0)) == [("2", False)], "an id is unique within its time"


def test_trades_that_a_fetch_after_a_reconnect_does_not_reach_are_told_as_missing() -> None:
    made = standing(socket(Subscription("trades", BTC)))
    made.receive(trades((1, 7)), 0)
    made.on_disconnect("gone")
    standing(made)
    rest = [Trade(V, BTC, (T + 4) * 10**6, f"{T + 4}-6", 1.0, 1.0, "buy", "normal", True)]
    *found, said = made.missed(BTC, rest)
    assert told(found) == [("6", True)]
    assert isinstance(said, FeedStatus)
    assert said.reason.startswith("trades since the connection was lost are missing")


def candle(start: int, close: str) -> bytes:
    row = {
        "t": T + start,
        "T": T + start + 59_999,
        "s": BTC,
        "i": "1m",
        "o": "1",
        "c": close,
        "h": "3",
        "l": "1",
        "v": "2",
        "n": 4,
    }
    return frame("candle", row)


def test_a_candle_is_closed_by_the_next_one_unless_a_reconnect_lies_between() -> None:
    made = standing(socket(Subscription("candles", BTC)))

    def seen(*frames: bytes) -> list[tuple[float, bool]]:
        events = [event for each in frames for event in made.receive(each, 0)]
        return [(event.close, event.closed) for event in events if isinstance(event, Candle)]

    assert seen(candle(0, "1"), candle(0, "2")) == [(1, False), (2, False)]
    assert seen(candle(60_000, "3")) == [(2, True), (3, False)]
    assert seen(candle(0, "9")) == [], "an old one says nothing"
    made.on_disconnect("gone")
    standing(made)
    assert seen(candle(120_000, "4")) == [(4, False)], "what became of the one before is not known"


def tick(channel: str, said: object) -> Ticker:
    (event,) = Decoder().receive(frame(channel, said), 0)
    assert isinstance(event, Ticker)
    return event


def test_tickers_say_what_was_told_and_no_more() -> None:
    level = {"px": "65000.0", "sz": "3.5", "n": 1}
    whole = tick("bbo", {"coin": BTC, "time": T, "bbo": [level, level]})
    assert (whole.ts, whole.bid, whole.bid_size, whole.ask, whole.mark) == (T * 10**6, 65000.0, 3.5, 65000.0, None)
    for bbo in ([level, None], [level]):
        half = tick("bbo", {"coin": BTC, "time": T, "bbo": bbo})
        assert (half.bid, half.ask, half.ask_size) == (65000.0, None, None)
    context = {
        "funding": "-0.0000125", "openInterest": "18617.4", "prevDayPx": "64000.0", "dayNtlVlm": "1", "premium": None,
        "oraclePx": "65003.0", "markPx": "65001.0", "midPx": None, "impactPxs": None, "dayBaseVlm": "12.5",
    }  # fmt: skip
    mark = tick("activeAssetCtx", {"coin": BTC, "ctx": context})
    assert (mark.mark, mark.index, mark.funding_rate, mark.funding_interval_s) == (65001.0, 65003.0, -0.0000125, 3_600)
    assert (mark.open_interest, mark.volume_24h, mark.bid, mark.last) == (18617.4, 12.5, None, None)


@pytest.mark.parametrize(
    "said",
    [
        b"Websocket connection established.",
        b'{"channel":"pong"}',
        frame("allMids", {"mids": {"BTC": "1"}}),
        frame("trades", []),
    ],
)
def test_what_is_no_event_tells_none(said: bytes) -> None:
    assert list(Decoder().receive(said, 0)) == []


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(b"{", id="no JSON"),
        pytest.param(b"hello", id="no JSON at all"),
        pytest.param(frame("mystery", {"coin": BTC}), id="an unknown channel"),
        pytest.param(
            frame("trades", [{"coin": BTC, "side": "S", "px": "1", "sz": "1", "time": T, "tid": 1}]),
            id="an unknown side",
        ),
        pytest.param(book(0, "-1*1", "2*1"), id="a negative price"),
        pytest.param(book(0, "nan*1", "2*1"), id="no number"),
        pytest.param(frame("l2Book", {"coin": BTC, "time": T, "levels": [[]]}), id="one side"),
        pytest.param(frame("bbo", {"coin": BTC, "time": -1, "bbo": []}), id="no time"),
    ],
)
def test_a_frame_that_does_not_fit_is_told(said: bytes) -> None:
    decoder = Decoder()
    (status,) = decoder.receive(said, 0)
    assert isinstance(status, FeedStatus)
    assert status.status == "gap"
    assert decoder.suspect


def test_a_book_that_did_not_fit_is_in_doubt_until_the_next_one() -> None:
    made = standing(socket(Subscription("book", BTC, 20)))
    made.receive(DEEP, 1)
    (doubt,) = made.receive(book(1, "x*1", "2*1"), 2)
    assert doubt.status == "gap"  # type: ignore[union-attr]
    events: list[AnyEvent] = list(made.receive(DEEP, 3))
    assert {type(event) for event in events} == {BookSnapshot, FeedStatus}
    assert events[-1] == FeedStatus(V, BTC, "book", "ok")
