"""What the account at the paper venue owns, owes and can still afford. Folded by the same ledger as everybody's."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from adapters.paper.fees import FeeSchedule
from adapters.paper.market import PaperMarket
from adapters.paper.orders import PaperOrder
from adapters.paper.settings import PaperSettings
from state.events import BalanceUpdate, Fill, FundingPayment, PositionUpdate
from state.instruments import Instrument
from state.ledger import Ledger, Position
from state.words import Side

_ZERO = Decimal(0)


class PaperAccount:
    """Margin is the larger of what all buys and what all sells of a market could lead to, divided by the leverage.

    Losses that are not realized count for what can be afforded, gains do not.
    """

    def __init__(self, venue: str, settings: PaperSettings, fees: FeeSchedule) -> None:
        self.venue = venue
        self._settings = settings
        self._fees = fees
        self._ledger = Ledger(venue)
        self._is_open = False
        self.is_given = bool(settings.asset)  # what it begins with does not hang on its markets
        if settings.asset:
            self._begin(settings.asset)

    def position(self, symbol: str) -> Position:
        return self._ledger.position(symbol)

    def filled(self, fill: Fill, instrument: Instrument) -> None:
        self._ledger.filled(fill, instrument)

    def funded(self, payment: FundingPayment) -> None:
        self._ledger.funded(payment)

    def affords(
        self,
        market: PaperMarket,
        order: PaperOrder,
        price: Decimal,
        size: Decimal,
        fee_rate: Decimal,
        markets: Iterable[PaperMarket],
    ) -> bool:
        """True where the account can back `size` of `order` at `price`; an order that only lessens the exposure always can."""
        instrument = _rules(market)
        value = worth(instrument, price, size)
        fee = max(_ZERO, value * fee_rate)
        if instrument.kind == "spot":
            buys = order.side == "buy"
            asset, needed = (instrument.quote, value + fee) if buys else (instrument.base, size)
            return needed <= self.free(asset, markets, besides=order)
        resting = self._resting(market, besides=order)
        before = self._margin(market, resting)
        after = self._margin(market, {**resting, order.side: resting[order.side] + value})
        return after <= before or after - before + fee <= self.free(instrument.settle, markets, besides=order)

    def lack(self, instrument: Instrument, side: Side, size: Decimal, price: Decimal) -> str:
        """Why an order cannot be backed."""
        spot = instrument.base if side == "sell" else instrument.quote
        asset = spot if instrument.kind == "spot" else instrument.settle
        if asset == self._settings.asset or self._ledger.balance(asset).total:
            return f"the balance does not cover {size} at {price}"
        began = self._settings.asset or "what its markets settle in"
        return f"the account has no {asset}: it began with {began} (`asset` of the paper settings)"

    def free(self, asset: str, markets: Iterable[PaperMarket], besides: PaperOrder | None = None) -> Decimal:
        """What is left of an asset after margins, spot orders and unrealized losses; `besides` is left out."""
        total = self._ledger.balance(asset).total
        for market in markets:
            instrument = market.instrument
            if instrument is None:
                continue
            if instrument.kind == "spot":
                total -= self._locked(market, instrument, asset, besides)
            elif instrument.settle == asset:
                price = market.price()
                if price is not None:
                    total += min(_ZERO, self.position(market.symbol).unrealized(price))
                total -= self._margin(market, self._resting(market, besides))
        return total

    def equity(self, asset: str, markets: Iterable[PaperMarket]) -> Decimal:
        """What an asset would be worth with every position closed at its market's price."""
        total = self._ledger.balance(asset).total
        for market in markets:
            position, price = self.position(market.symbol), market.price()
            if _settles(market, asset) and position.size and price is not None:
                total += position.unrealized(price)
        return total

    def maintenance(self, asset: str, markets: Iterable[PaperMarket]) -> Decimal:
        """The least equity with which the positions settled in an asset may be held."""
        held = _ZERO
        for market in markets:
            size, price = self.position(market.symbol).size, market.price()
            if _settles(market, asset) and size and price is not None:
                held += worth(_rules(market), price, abs(size))
        return held * self._settings.maintenance_margin

    def position_told(self, symbol: str, ts: int) -> PositionUpdate:
        """The position as the venue would say it."""
        position = self.position(symbol)
        return PositionUpdate(
            self.venue, symbol, ts, position.size, position.avg_price, realized_pnl=position.realized_pnl
        )

    def balance_told(self, asset: str, ts: int, markets: Iterable[PaperMarket]) -> BalanceUpdate:
        """The balance as the venue would say it."""
        return BalanceUpdate(
            self.venue, "", ts, asset, self._ledger.balance(asset).total, max(_ZERO, self.free(asset, markets))
        )

    def listed(self, instrument: Instrument, ts: int, markets: Iterable[PaperMarket]) -> list[BalanceUpdate]:
        """What is to be told once a market's rules are known: without an asset of its own an account has what it settles in."""
        asset = instrument.quote if instrument.kind == "spot" else instrument.settle
        if self.is_given or self._ledger.balance(asset).reported is not None:
            return []
        self._begin(asset)
        return [self.balance_told(asset, ts, markets)] if self._is_open else []

    def opening(self, ts: int, markets: Iterable[PaperMarket]) -> list[BalanceUpdate | PositionUpdate]:
        """Every balance, and the position in every derivative of `markets`."""
        self._is_open = True
        known = list(markets)
        told: list[BalanceUpdate | PositionUpdate] = [
            self.balance_told(asset, ts, known) for asset in sorted(self._ledger.balances)
        ]
        derivatives = (market for market in known if market.instrument is not None and market.instrument.kind != "spot")
        return told + [self.position_told(market.symbol, ts) for market in derivatives]

    def _begin(self, asset: str) -> None:
        self._ledger.balance_reported(BalanceUpdate(self.venue, "", None, asset, self._settings.balance))

    def _resting(self, market: PaperMarket, besides: PaperOrder | None) -> dict[Side, Decimal]:
        """What all orders of each side are worth."""
        instrument = _rules(market)
        return {
            side: sum(
                [
                    worth(instrument, order.limit, order.remaining)
                    for order in market.resting(side)
                    if order is not besides
                ],
                _ZERO,
            )
            for side in _WAYS
        }

    def _margin(self, market: PaperMarket, resting: Mapping[Side, Decimal]) -> Decimal:
        position = self.position(market.symbol)
        held = abs(position.cost).copy_sign(position.size) if position.size else _ZERO
        worst = max(_ZERO, held + resting["buy"], resting["sell"] - held)
        return worst / self._settings.leverage

    def _locked(self, market: PaperMarket, instrument: Instrument, asset: str, besides: PaperOrder | None) -> Decimal:
        locked = _ZERO
        if asset == instrument.quote:
            fee = max(_ZERO, self._fees.rate(instrument, maker=True))
            for order in market.resting("buy"):
                if order is not besides:
                    locked += order.limit * order.remaining * (1 + fee)
        if asset == instrument.base:
            locked += sum((order.remaining for order in market.resting("sell") if order is not besides), _ZERO)
        return locked


_WAYS: tuple[Side, Side] = ("buy", "sell")


def worth(instrument: Instrument, price: Decimal, size: Decimal) -> Decimal:
    """Value of a size in the asset that it is settled in."""
    return size * instrument.contract_size / price if instrument.inverse else price * size


def _settles(market: PaperMarket, asset: str) -> bool:
    rules = market.instrument
    return rules is not None and rules.kind != "spot" and rules.settle == asset


def _rules(market: PaperMarket) -> Instrument:
    assert market.instrument is not None
    return market.instrument
