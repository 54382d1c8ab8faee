"""What an account may ask about itself: orders, fills, funding, positions, margin, its limits and agents."""

from __future__ import annotations

from decimal import Decimal

from adapters.loopback.desk import Desk
from adapters.loopback.floor import Floor
from adapters.loopback.hyperliquid import order_rows, rows
from adapters.loopback.hyperliquid.ask import Ask
from adapters.loopback.hyperliquid.limits import Limiter
from adapters.loopback.hyperliquid.refusals import malformed
from adapters.loopback.hyperliquid.register import Register
from adapters.loopback.hyperliquid.render import rounded, text
from adapters.loopback.hyperliquid.wallets import Agent, Wallets
from adapters.loopback.ledger import Account, Position
from adapters.loopback.orders import ZERO

FILLS = 2_000
ORDERS = 2_000
FUNDINGS = 500
USD_DECIMALS = 6


class Holdings:
    """The private answers; whose they are is said by the address alone, and nobody's are empty."""

    def __init__(
        self, floor: Floor, register: Register, wallets: Wallets, limiter: Limiter, triggers: order_rows.Waiting
    ) -> None:
        self.is_unified = False
        self._floor, self._register, self._wallets, self._limiter = floor, register, wallets, limiter
        self.triggers = triggers

    def desk(self, address: str) -> Desk:
        """The account of an address, or an empty one."""
        key = self._wallets.keys.get(address)
        return self._floor.desks[key] if key else Desk(Account(address, "", ZERO))

    # -- orders ------------------------------------------------------------------------------------------------------

    def open_orders(self, ask: Ask, _: int) -> list[rows.OpenOrder]:
        live = order_rows.live(self.desk(ask.address))
        return [order_rows.open_order(symbol, order) for symbol, order in live]

    def frontend_open_orders(self, ask: Ask, _: int) -> list[rows.FullOrder]:
        return self.full_open_orders(ask.address)

    def full_open_orders(self, address: str) -> list[rows.FullOrder]:
        """The newest first."""
        return [order_rows.full(symbol, order, self.triggers) for symbol, order in order_rows.live(self.desk(address))]

    def order_status(self, ask: Ask, _: int) -> rows.OrderFound | rows.OrderUnknown:
        """By oid or by cloid; an order that was never entered is unknown."""
        desk = self.desk(ask.address)
        if ask.oid is None:
            raise malformed("oid is missing")
        order_id = str(ask.oid) if isinstance(ask.oid, int) else desk.by_client_id.get(ask.oid.lower(), "")
        found = desk.orders.get(order_id)
        return rows.OrderFound(order_rows.state(*found, self.triggers)) if found else rows.OrderUnknown()

    def historical_orders(self, ask: Ask, _: int) -> list[rows.OrderState]:
        """The last states of orders, newest first."""
        orders = list(self.desk(ask.address).orders.values())[-ORDERS:]
        return [order_rows.state(symbol, order, self.triggers) for symbol, order in reversed(orders)]

    # -- fills and funding -------------------------------------------------------------------------------------------

    def fills(self, ask: Ask, _: int) -> list[rows.Fill]:
        """The newest first."""
        return self.last_fills(ask.address)

    def last_fills(self, address: str) -> list[rows.Fill]:
        return self.newest_fills(address, FILLS)[::-1]

    def newest_fills(self, address: str, count: int) -> list[rows.Fill]:
        """So many, oldest first."""
        return [order_rows.fill(each) for each in self._register.last(self._key(address), count)]

    def fills_by_time(self, ask: Ask, now_ms: int) -> list[rows.Fill]:
        """Those between two times, oldest first."""
        filled, (start, end) = self._register.filled.get(self._key(ask.address), []), ask.span(now_ms)
        return [order_rows.fill(each) for each in filled if start <= each.fill.ts_ms <= end][:FILLS]

    def funding(self, ask: Ask, now_ms: int) -> list[rows.FundingPaid]:
        """The payments between two times, oldest first."""
        start, end = ask.span(now_ms)
        paid = [each for each in self._funded(ask.address) if start <= each.time <= end][:FUNDINGS]
        return [order_rows.funding_paid(each) for each in paid]

    def newest_fundings(self, address: str, count: int = FUNDINGS) -> list[rows.FundingEvent]:
        """So many, oldest first."""
        return self._funded(address)[-count:] if count else []

    def _funded(self, address: str) -> list[rows.FundingEvent]:
        return [order_rows.funding_event(each) for each in self._register.funded.get(self._key(address), [])]

    def _key(self, address: str) -> str:
        return self._wallets.keys.get(address, "")

    # -- money -------------------------------------------------------------------------------------------------------

    def state(self, ask: Ask, now_ms: int) -> rows.Clearinghouse:
        return self.clearinghouse(ask.address, now_ms)

    def clearinghouse(self, address: str, now_ms: int) -> rows.Clearinghouse:
        """Positions and margin at the current marks."""
        desk = self.desk(address)
        held = [position for position in desk.book.positions.values() if position.size]
        marks = {position.symbol: self._floor.markets[position.symbol].mark_price for position in held}
        value = desk.book.wallet + self._floor.unrealized(desk)
        signed = sum((position.size * marks[position.symbol] for position in held), ZERO)
        notional = sum((abs(position.size) * marks[position.symbol] for position in held), ZERO)
        used = sum((abs(p.size) * marks[p.symbol] / p.leverage for p in held), ZERO)
        spare = value - used
        if self.is_unified:  # then this is what positions need and have not realized, and no more
            value, spare = value - desk.book.wallet + used, value - desk.book.wallet
        summary = rows.MarginSummary(text(value), text(notional), text(value - signed), rounded(used, USD_DECIMALS))
        maintenance = sum((self._maintenance(p, marks[p.symbol]) for p in held), ZERO)
        return rows.Clearinghouse(
            summary,
            summary,
            rounded(maintenance, USD_DECIMALS),
            rounded(max(ZERO, spare), USD_DECIMALS),
            [rows.AssetPosition(self._position(address, p, value - maintenance, marks[p.symbol])) for p in held],
            now_ms,
        )

    def _maintenance(self, position: Position, mark: Decimal) -> Decimal:
        """Half of the initial margin at the highest leverage."""
        return abs(position.size) * mark / (2 * self._floor.markets[position.symbol].contract.max_leverage)

    def _position(self, address: str, position: Position, spare: Decimal, mark: Decimal) -> rows.Position:
        worth, unrealized = abs(position.size) * mark, position.unrealized(mark)
        highest = self._floor.markets[position.symbol].contract.max_leverage
        margin = worth / position.leverage
        return rows.Position(
            position.symbol,
            text(position.size),
            rows.Leverage("cross", int(position.leverage)),
            rounded(position.average, USD_DECIMALS),
            text(worth),
            rounded(unrealized, USD_DECIMALS),
            rounded(unrealized / (position.value / position.leverage), 10),
            liquidation_price(position, spare, mark, highest),
            rounded(margin, USD_DECIMALS),
            int(highest),
            self._cum_funding(address, position),
        )

    def _cum_funding(self, address: str, position: Position) -> rows.CumFunding:
        """Paid is positive here."""
        funded = self._register.funded.get(self._key(address), [])
        paid = [(each.fill.ts_ms, each.fill.fee) for each in funded if each.fill.symbol == position.symbol]
        ever = sum((fee for _, fee in paid), ZERO)
        open_ = sum((fee for ts_ms, fee in paid if ts_ms >= position.opened_ms), ZERO)
        return rows.CumFunding(*(rounded(amount, USD_DECIMALS) for amount in (ever, open_, open_)))

    def active_asset(self, ask: Ask, _: int) -> rows.ActiveAsset:
        return self.active_asset_of(ask.address, ask.market(self._floor.markets).contract.symbol)

    def active_asset_of(self, address: str, coin: str) -> rows.ActiveAsset:
        """How much the account could trade of a coin now."""
        desk, market = self.desk(address), self._floor.markets[coin]
        position, mark = desk.book.position(coin), market.mark_price
        held, resting = self._floor.margins(desk)
        free = max(ZERO, desk.book.wallet + self._floor.unrealized(desk) - held - resting)
        lots = free * position.leverage / mark // market.contract.lot * market.contract.lot
        return rows.ActiveAsset(
            address,
            coin,
            rows.Leverage("cross", int(position.leverage)),
            (text(lots), text(lots)),
            (rounded(free, USD_DECIMALS), rounded(free, USD_DECIMALS)),
            text(mark),
        )

    # -- the rest ----------------------------------------------------------------------------------------------------

    def rate_limit(self, ask: Ask, _: int) -> rows.UserRateLimit:
        key = self._key(ask.address)
        volume = self._register.volume(key)
        return rows.UserRateLimit(text(volume), self._limiter.used(key), self._limiter.cap(volume), 0)

    def agents(self, ask: Ask, _: int) -> list[rows.Agent]:
        """The agents that have a name."""
        return [rows.Agent(a.name, a.address, a.until_ms) for a in self._wallets.agents(ask.address) if a.name]

    def role(self, ask: Ask, _: int) -> dict[str, str]:
        return {"role": self._wallets.role(ask.address)}

    def abstraction(self, ask: Ask, _: int) -> str:
        """How accounts keep their coins: as at first, perpetuals apart from spot, or all together."""
        del ask
        return "unifiedAccount" if self.is_unified else "default"

    def spot_state(self, ask: Ask, _: int) -> rows.SpotBalances:
        return self.spot_balances(ask.address)

    def spot_balances(self, address: str) -> rows.SpotBalances:
        """Nothing is traded on spot here; of a unified account it is the collateral, of which positions hold their margin.

        https://hyperliquid.gitbook.io/hyperliquid-docs/trading/account-abstraction-modes
        """
        desk = self.desk(address)
        if not self.is_unified or not desk.book.wallet:
            return rows.SpotBalances([])
        held, resting = self._floor.margins(desk)
        hold = rounded(held + resting, USD_DECIMALS)
        return rows.SpotBalances([rows.SpotBalance("USDC", 0, text(desk.book.wallet), hold)])

    def unnamed_agent(self, address: str) -> Agent | None:
        return next((agent for agent in self._wallets.agents(address) if not agent.name), None)

    def deposited(self, address: str) -> str:
        """What the account has brought in."""
        return text(self.desk(address).account.balance)

    def fees(self, ask: Ask, _: int) -> rows.UserFees:
        account = self.desk(ask.address).account
        return rows.UserFees([], text(account.taker_rate), text(account.maker_rate), text(ZERO), text(ZERO))

    def nothing(self, ask: Ask, _: int) -> list[None]:
        """Deposits and withdrawals there are none."""
        del ask
        return []


def liquidation_price(position: Position, spare: Decimal, mark: Decimal, highest: Decimal) -> str | None:
    """Where the account's spare margin would be gone; None where no price does that.

    https://hyperliquid.gitbook.io/hyperliquid-docs/trading/liquidations#computing-liquidation-price
    """
    side = 1 if position.size > 0 else -1
    at = mark - side * spare / abs(position.size) / (1 - side / (2 * highest))
    return rounded(at, 8) if at > 0 else None
