"""The terminal view, driven by textual's own pilot: keys go where debug goes, and what is shown is what was known there."""

import pytest
from textual.widgets import Static

from app.view import MomentView
from replay.moments import Moments
from replay.rebuild import rebuild
from state.events import Fill
from state.log import Log
from tests.replay.lab.sessions import Lab


def text_of(app: MomentView, name: str) -> str:
    shown = app.query_one(f"#{name}", Static)
    return "\n".join(strip.text for strip in shown.render_lines(shown.size.region))


async def test_keys_lead_on_and_back_to_fills_intents_and_the_ends(lab: Lab) -> None:
    with Log.open(lab.url) as log:
        row = log.find(lab.live)
        moments = Moments(log, row)
        app = MomentView(log, row, 600)
        async with app.run_test(size=(180, 50)) as pilot:
            assert app.seq == 600
            for key, expected in (
                ("right", 601),
                ("left", 600),
                ("pagedown", 700),
                ("pageup", 600),
                ("f", moments.next(600, "fill")),
                ("left", moments.next(600, "fill") - 1),
                ("i", moments.next(moments.next(600, "fill") - 1, "intent")),
                ("end", row.last_seq),
                ("F", moments.previous(row.last_seq, "fill")),
                ("home", 1),
                ("left", 1),
                ("B", 1),
            ):
                await pilot.press(key)
                assert app.seq == expected, key
            await pilot.press("q")
        assert app.return_code == 0


async def test_what_is_shown_is_the_ladder_own_orders_the_stream_and_the_operators(lab: Lab) -> None:
    with Log.open(lab.url) as log:
        row = log.find(lab.live)
        fill = Moments(log, row).next(1, "fill")
        shared = rebuild(log, lab.live, fill)
        record = next(log.records(lab.live, fill, fill))
        app = MomentView(log, row, fill)
        async with app.run_test(size=(200, 60)):
            books, events, orders, values = (text_of(app, name) for name in ("books", "events", "orders", "values"))
    assert isinstance(record.event, Fill)
    book = shared.market("bybit", "BTCUSDT").book
    assert f"{book.bid:g}" in books
    assert f"{book.ask:g}" in books
    working = shared.account("bybit").orders.working("BTCUSDT")
    assert working
    for order in working:
        assert order.client_id[:8] in orders
        assert f"{float(order.price or 0):g}" in books, "an order of ours has its line in the ladder, however far out"
    (line,) = [line for line in events.splitlines() if str(fill) in line.split()]
    assert "Fill" in line
    assert str(record.event.price) in line
    assert "microprice" in values


@pytest.mark.parametrize("size", [(60, 20), (240, 80)], ids=["a small terminal", "a large one"])
async def test_any_size_of_terminal_will_do(lab: Lab, size: tuple[int, int]) -> None:
    with Log.open(lab.url) as log:
        app = MomentView(log, log.find(lab.live), 900)
        async with app.run_test(size=size) as pilot:
            await pilot.press("right")
            assert app.seq == 901
