"""Method, path, rate pool, signed or not, documentation of each endpoint that is used."""

from types import MappingProxyType

from adapters.base.endpoints import Endpoint
from adapters.base.limits import Pool

# ? At which addresses are REST and sockets, for each environment?
HOSTS = MappingProxyType({"mainnet": ("https://api.blank.example", "wss://api.blank.example")})


class Endpoints:
    """By action: server_time, instruments, book, trades, tickers, place, amend, cancel, cancel_all, open_orders, order,
    order_history, executions, positions, wallet, fee_rates, and those in batches.
    """

    # ? Which call is each of these? Leave out what the venue does not have.
    ALL: MappingProxyType[str, Endpoint] = MappingProxyType({})
    # ? How many requests may leave in which time, and which of them share a budget?
    POOLS: tuple[Pool, ...] = ()
