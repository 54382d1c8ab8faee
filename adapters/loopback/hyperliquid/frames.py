"""What goes over the socket, in both directions."""

from __future__ import annotations

import msgspec

from adapters.loopback.hyperliquid import rows
from adapters.loopback.hyperliquid.rows import Row


class Subscription(msgspec.Struct, gc=False, rename="camel", omit_defaults=True):
    """What a customer wants to hear; what a type does not need is not looked at."""

    type: str
    coin: str | None = None
    user: str | None = None
    interval: str | None = None
    dex: str | None = None
    n_sig_figs: int | None = None
    mantissa: int | None = None
    fast: bool | None = None
    aggregate_by_time: bool | None = None


class Post(msgspec.Struct, gc=False):
    type: str
    payload: msgspec.Raw


class Request(msgspec.Struct, gc=False):
    method: str
    subscription: Subscription | None = None
    id: int | None = None
    request: Post | None = None


class Frame(Row):
    """Everything that is pushed."""

    channel: str
    data: object


class Pong(Row):
    channel: str = "pong"


class Acknowledged(Row):
    method: str
    subscription: object


class Posted(Row):
    id: int
    response: PostReply


class PostReply(Row):
    type: str
    payload: object


class Mids(Row):
    mids: dict[str, str]


class ContextOf(Row):
    coin: str
    ctx: rows.AssetCtx


class Fills(Row, omit_defaults=True):
    user: str
    fills: list[rows.Fill]
    is_snapshot: bool = False


class Fundings(Row, omit_defaults=True):
    user: str
    fundings: list[rows.FundingEvent]
    is_snapshot: bool = False


class LedgerUpdates(Row, omit_defaults=True):
    user: str
    non_funding_ledger_updates: list[None]
    is_snapshot: bool = False


class CancelledByVenue(Row):
    coin: str
    oid: int


class UserEvent(Row, omit_defaults=True):
    """One of them at a time."""

    fills: list[rows.Fill] | None = None
    funding: rows.FundingEvent | None = None
    non_user_cancel: list[CancelledByVenue] | None = None


class ClearinghouseOf(Row):
    dex: str
    user: str
    clearinghouse_state: rows.Clearinghouse


class OpenOrdersOf(Row):
    dex: str
    user: str
    orders: list[rows.FullOrder]


class SpotStateOf(Row):
    user: str
    spot_state: rows.SpotBalances


class WebData(Row):
    """`webData2`: what the venue's own page shows."""

    clearinghouse_state: rows.Clearinghouse
    leading_vaults: list[None]
    total_vault_equity: str
    open_orders: list[rows.FullOrder]
    agent_address: str | None
    agent_valid_until: int | None
    cum_ledger: str
    meta: rows.Meta
    asset_ctxs: list[rows.AssetCtx]
    server_time: int
    is_vault: bool
    user: str
    twap_states: list[None]
