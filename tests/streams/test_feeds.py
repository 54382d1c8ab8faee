"""What has a current value says it at once; what nobody has told says nothing."""

from decimal import Decimal

from reactivex import Observable

from state.events import BalanceUpdate, Decision, PlaceOrder, Signal
from state.ledger import Balance
from streams import operators as op
from streams.feeds import Feeds
from streams.testing import SYMBOL, VENUE, Session, update

D = Decimal


def test_a_balance_is_said_at_once_where_it_was_told_and_then_whenever_it_is() -> None:
    session = Session()

    def total(balance: Balance) -> Decimal:
        return balance.total

    def of(asset: str):
        def watched(feeds: Feeds) -> Observable[Decimal]:
            return feeds.account(VENUE).balance(asset).pipe(op.map(total))

        return watched

    session.feed(1, BalanceUpdate(VENUE, "", None, "USDT", D(100)))
    known, unknown = session.watch(of("USDT"), "known"), session.watch(of("BTC"), "unknown")
    assert (known, unknown) == ([(1.0, D(100))], [])
    session.feed(2, BalanceUpdate(VENUE, "", None, "USDT", D(90), change=D(-10), reason="transfer"))
    session.feed(3, BalanceUpdate(VENUE, "", None, "BTC", D(2)))
    assert (known, unknown) == ([(1.0, D(100)), (2.0, D(90))], [(3.0, D(2))])


def test_an_account_is_at_rest_once_the_position_has_all_that_was_filled() -> None:
    session = Session()
    seen: list[bool] = []

    def buy(feeds: Feeds) -> Observable[Decision]:
        account = feeds.account(VENUE)

        def order(x: float) -> list[Decision]:
            seen.append(account.is_at_rest(SYMBOL))
            return [PlaceOrder(VENUE, SYMBOL, "buy", D(1), D(100))] if not x else []

        return feeds.signal("x").pipe(op.map(order), op.each())

    session.run(buy)
    session.feed(1, Signal("x", 0.0))  # nothing yet
    session.feed(2, Signal("x", 1.0))  # on its way
    (order,) = session.working
    session.feed(3, update(order, "filled", filled=D(1)))
    session.feed(4, Signal("x", 1.0))  # neither working nor held
    session.fill(5, order, "1")
    session.feed(6, Signal("x", 1.0))
    assert seen == [True, False, False, True]
