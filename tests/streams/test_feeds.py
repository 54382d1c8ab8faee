"""What has a current value says it at once; what nobody has told says nothing."""

from decimal import Decimal

from reactivex import Observable

from state.events import BalanceUpdate
from state.ledger import Balance
from streams import operators as op
from streams.feeds import Feeds
from streams.testing import VENUE, Session

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
