"""Every REST call by its method and path, with its limit and who may make it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from adapters.loopback.okx.account import Accounts
from adapters.loopback.okx.commands import AMEND, CANCEL, PLACE, AccountCall, Command
from adapters.loopback.okx.holdings import Holdings
from adapters.loopback.okx.limits import PER_ADDRESS, Quota
from adapters.loopback.okx.quotes import PublicCall, Quotes


@dataclass(frozen=True, slots=True)
class Call:
    """An endpoint: what answers it, and how often it may be asked."""

    quota: Quota
    answer: PublicCall | None = None
    act: AccountCall | None = None
    command: Command | None = None

    @property
    def is_private(self) -> bool:
        return self.answer is None


Table = Mapping[tuple[str, str], Call]
NONE = Quota(0)
"""The commands on orders have limits of their own."""


def table(quotes: Quotes, holdings: Holdings, accounts: Accounts) -> Table:
    """All calls."""
    return _public(quotes) | _market(quotes) | _trade(holdings, accounts) | _account(accounts)


def _asked(answer: PublicCall, most: int) -> Call:
    return Call(Quota(most, scope=PER_ADDRESS), answer)


def _own(act: AccountCall, most: int, window_ms: int = 2_000) -> Call:
    return Call(Quota(most, window_ms), act=act)


def _public(quotes: Quotes) -> dict[tuple[str, str], Call]:
    v5 = "/api/v5/public"
    return {
        ("GET", f"{v5}/time"): _asked(quotes.time, 10),
        ("GET", f"{v5}/instruments"): _asked(quotes.instruments, 20),
        ("GET", f"{v5}/underlying"): _asked(quotes.underlying, 20),
        ("GET", f"{v5}/mark-price"): _asked(quotes.mark_price, 10),
        ("GET", f"{v5}/funding-rate"): _asked(quotes.funding_rate, 20),
        ("GET", f"{v5}/funding-rate-history"): _asked(quotes.funding_history, 10),
        ("GET", f"{v5}/open-interest"): _asked(quotes.open_interest, 20),
        ("GET", f"{v5}/price-limit"): _asked(quotes.price_limit, 20),
        ("GET", f"{v5}/position-tiers"): _asked(quotes.tiers, 10),
        ("GET", "/api/v5/system/status"): Call(Quota(1, 5_000, PER_ADDRESS), quotes.status),
    }


def _market(quotes: Quotes) -> dict[tuple[str, str], Call]:
    v5 = "/api/v5/market"
    return {
        ("GET", f"{v5}/books"): _asked(quotes.book, 40),
        ("GET", f"{v5}/trades"): _asked(quotes.trades, 100),
        ("GET", f"{v5}/history-trades"): _asked(quotes.older_trades, 20),
        ("GET", f"{v5}/candles"): _asked(quotes.candles, 40),
        ("GET", f"{v5}/history-candles"): _asked(quotes.older_candles, 20),
        ("GET", f"{v5}/mark-price-candles"): _asked(quotes.mark_candles, 20),
        ("GET", f"{v5}/index-candles"): _asked(quotes.index_candles, 20),
        ("GET", f"{v5}/ticker"): _asked(quotes.ticker, 20),
        ("GET", f"{v5}/tickers"): _asked(quotes.tickers, 20),
        ("GET", f"{v5}/index-tickers"): _asked(quotes.index_tickers, 20),
    }


def _trade(holdings: Holdings, accounts: Accounts) -> dict[tuple[str, str], Call]:
    v5 = "/api/v5/trade"
    return {
        ("POST", f"{v5}/order"): Call(NONE, command=Command(PLACE)),
        ("POST", f"{v5}/amend-order"): Call(NONE, command=Command(AMEND)),
        ("POST", f"{v5}/cancel-order"): Call(NONE, command=Command(CANCEL)),
        ("POST", f"{v5}/batch-orders"): Call(NONE, command=Command(PLACE, is_batch=True)),
        ("POST", f"{v5}/amend-batch-orders"): Call(NONE, command=Command(AMEND, is_batch=True)),
        ("POST", f"{v5}/cancel-batch-orders"): Call(NONE, command=Command(CANCEL, is_batch=True)),
        ("POST", f"{v5}/close-position"): _own(holdings.close, 20),
        ("POST", f"{v5}/cancel-all-after"): _own(accounts.cancel_all_after, 1, 1_000),
        ("GET", f"{v5}/order"): _own(holdings.order, 60),
        ("GET", f"{v5}/orders-pending"): _own(holdings.pending, 60),
        ("GET", f"{v5}/orders-history"): _own(holdings.history, 40),
        ("GET", f"{v5}/orders-history-archive"): _own(holdings.archive, 20),
        ("GET", f"{v5}/fills"): _own(holdings.fills, 60),
        ("GET", f"{v5}/fills-history"): _own(holdings.fills, 10),
        ("GET", f"{v5}/account-rate-limit"): _own(accounts.rate_limit, 1, 1_000),
    }


def _account(accounts: Accounts) -> dict[tuple[str, str], Call]:
    v5 = "/api/v5/account"
    return {
        ("GET", f"{v5}/balance"): _own(accounts.balance, 10),
        ("GET", f"{v5}/positions"): _own(accounts.positions, 10),
        ("GET", f"{v5}/config"): _own(accounts.config, 5),
        ("GET", f"{v5}/instruments"): _own(accounts.instruments, 20),
        ("POST", f"{v5}/set-position-mode"): _own(accounts.set_position_mode, 5),
        ("POST", f"{v5}/set-leverage"): _own(accounts.set_leverage, 20),
        ("GET", f"{v5}/leverage-info"): _own(accounts.leverage, 20),
        ("GET", f"{v5}/trade-fee"): _own(accounts.fee_rates, 5),
        ("GET", f"{v5}/bills"): _own(accounts.bills, 5, 1_000),
        ("GET", f"{v5}/bills-archive"): _own(accounts.bills, 5),
        ("GET", f"{v5}/max-size"): _own(accounts.max_size, 20),
        ("GET", f"{v5}/max-avail-size"): _own(accounts.max_available_size, 20),
    }


SOCKET_COMMANDS: Mapping[str, Command] = {
    "order": Command(PLACE),
    "amend-order": Command(AMEND),
    "cancel-order": Command(CANCEL),
    "batch-orders": Command(PLACE, is_batch=True),
    "batch-amend-orders": Command(AMEND, is_batch=True),
    "batch-cancel-orders": Command(CANCEL, is_batch=True),
}
"""The operations of the private socket by the command that each is."""
