"""What an account may ask about its money and positions, its settings, and its dead man's switch."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from adapters.loopback.desk import Desk
from adapters.loopback.floor import Floor
from adapters.loopback.ledger import Account
from adapters.loopback.okx import account_render, codes
from adapters.loopback.okx import account_rows as rows
from adapters.loopback.okx.actions import TAG
from adapters.loopback.okx.codes import OkxError, missing, wrong
from adapters.loopback.okx.holdings import page, window
from adapters.loopback.okx.limits import Limiter
from adapters.loopback.okx.listings import INST_TYPES, SPOT, Instrument
from adapters.loopback.okx.order_rows import Countdown
from adapters.loopback.okx.params import Params
from adapters.loopback.okx.register import Register
from adapters.loopback.okx.render import instrument as instrument_row
from adapters.loopback.okx.render import plain
from adapters.loopback.orders import ZERO, Reason

Rows = Sequence[object]
SHORTEST_S, LONGEST_S = 10, 120
TAGS_AT_MOST = 20


class Accounts:
    """Money, positions and settings; the one position mode is net, the one margin mode is cross."""

    def __init__(
        self,
        floor: Floor,
        instruments: Mapping[str, Instrument],
        register: Register,
        limiter: Limiter,
        readers: Collection[str] = (),
    ) -> None:
        self._floor, self._instruments, self._register, self._limiter = floor, instruments, register, limiter
        self._readers = readers
        self._countdowns: dict[tuple[str, str], int] = {}
        """When whose orders of which tag go, an empty tag meaning all."""
        self.settings_changed: Callable[[str, str], None] = lambda key, symbol: None

    def _desk(self, account: Account) -> Desk:
        return self._floor.desks[account.key]

    # -- money and positions -----------------------------------------------------------------------------------------

    def balance(self, account: Account, params: Params, now_ms: int) -> Rows:
        """https://www.okx.com/docs-v5/en/#trading-account-rest-api-get-balance"""
        row = account_render.balance(self._floor, self._desk(account), now_ms)
        if params.has("ccy"):
            wanted = params.text("ccy").split(",")
            row.details = [coin for coin in row.details if coin.ccy in wanted]
        return [row]

    def positions(self, account: Account, params: Params, now_ms: int) -> Rows:
        """Those that are held, or all that ever were where they are named.

        https://www.okx.com/docs-v5/en/#trading-account-rest-api-get-positions
        """
        kind = params.word("instType", (*INST_TYPES, ""), "")
        named = [name for name in params.text("instId", "").split(",") if name]
        ids = [name for name in params.text("posId", "").split(",") if name]
        found = []
        for inst_id, held in self._desk(account).book.positions.items():
            listed = self._instruments[inst_id]
            if kind not in ("", listed.inst_type) or (named and inst_id not in named):
                continue
            if ids and account_render.position_id(listed) not in ids:
                continue
            if held.size or ((named or ids) and held.created_ms):
                found.append(self.position(account.key, inst_id, now_ms))
        return found

    def position(self, key: str, inst_id: str, now_ms: int) -> rows.Position:
        """The row of a position, flat or not."""
        desk, market = self._floor.desks[key], self._floor.markets[inst_id]
        ratio = account_render.margin_ratio(self._floor, desk)
        held, trade_id = desk.book.position(inst_id), self.last_trade(key, inst_id)
        return account_render.position(self._instruments[inst_id], market, held, ratio, trade_id, now_ms)

    def last_trade(self, key: str, inst_id: str) -> str:
        fills = reversed(self._floor.desks[key].fills)
        return next((fill.exec_id for fill in fills if fill.symbol == inst_id and fill.kind == "trade"), "")

    def bills(self, account: Account, params: Params, _: int) -> Rows:
        """https://www.okx.com/docs-v5/en/#trading-account-rest-api-get-bills-details-last-7-days"""
        kind, sub_type, (begin, end) = params.text("type", ""), params.text("subType", ""), window(params)
        inst_type, inst_id = params.word("instType", (*INST_TYPES, ""), ""), params.text("instId", "")
        desk = self._desk(account)
        made = [
            account_render.bill(self._instruments[entry.symbol], entry, fill, index)
            for index, (entry, fill) in enumerate(zip(desk.book.statement, desk.fills, strict=True))
            if begin <= entry.ts_ms <= end
        ]
        chosen = (
            row
            for row in reversed(made)
            if kind in ("", row.type)
            and sub_type in ("", row.sub_type)
            and inst_type in ("", row.inst_type)
            and inst_id in ("", row.inst_id)
        )
        return page(chosen, lambda row: row.bill_id, params)

    # -- settings ----------------------------------------------------------------------------------------------------

    def config(self, account: Account, _: Params, __: int) -> Rows:
        uid = uid_of(account)
        perm = "read_only" if account.key in self._readers else "read_only,trade"
        return [rows.Config(uid, uid, perm=perm)]

    def instruments(self, account: Account, params: Params, _: int) -> Rows:
        kind, chosen = params.word("instType", INST_TYPES), params.text("instId", "")
        listed = [i for i in self._instruments.values() if i.inst_type == kind and chosen in ("", i.inst_id)]
        return [instrument_row(instrument) for instrument in listed]

    def set_position_mode(self, account: Account, params: Params, _: int) -> Rows:
        """https://www.okx.com/docs-v5/en/#trading-account-rest-api-set-position-mode"""
        mode = params.word("posMode", ("net_mode", "long_short_mode"))
        held = any(position.size for position in self._desk(account).book.positions.values())
        if held or any(market.engine.resting(account.key) for market in self._floor.markets.values()):
            raise OkxError(codes.SETTINGS_HELD)
        if mode != "net_mode":
            raise OkxError(codes.FEATURE_UNAVAILABLE)
        return [rows.PositionMode(mode)]

    def set_leverage(self, account: Account, params: Params, now_ms: int) -> Rows:
        """https://www.okx.com/docs-v5/en/#trading-account-rest-api-set-leverage"""
        params.word("mgnMode", ("cross",))
        instrument, lever = self._swap(params), params.decimal("lever")
        if lever < 1:
            raise wrong("lever")
        if lever > instrument.contract.max_leverage:
            raise OkxError(codes.LEVERAGE_TOO_HIGH)
        held = self._desk(account).book.position(instrument.inst_id)
        held.leverage, held.updated_ms = lever, now_ms
        self.settings_changed(account.key, instrument.inst_id)
        return [rows.Leverage(instrument.inst_id, plain(lever))]

    def leverage(self, account: Account, params: Params, _: int) -> Rows:
        params.word("mgnMode", ("cross",))
        names = [name for name in params.text("instId").split(",") if name]
        if not all(name in self._instruments for name in names):
            raise OkxError(codes.NO_INSTRUMENT)
        book = self._desk(account).book
        return [rows.LeverageInfo(name, plain(book.position(name).leverage)) for name in names]

    def fee_rates(self, account: Account, params: Params, now_ms: int) -> Rows:
        """Negative is paid. https://www.okx.com/docs-v5/en/#trading-account-rest-api-get-fee-rates"""
        kind = params.word("instType", INST_TYPES)
        maker, taker = plain(-account.maker_rate), plain(-account.taker_rate)
        rates = (maker, taker, "", "") if kind == SPOT else ("", "", maker, taker)
        return [rows.FeeRates(kind, [rows.FeeGroup(maker, taker)], *rates, str(now_ms))]

    def max_size(self, account: Account, params: Params, _: int) -> Rows:
        """https://www.okx.com/docs-v5/en/#trading-account-rest-api-get-maximum-order-quantity"""
        found = []
        for name in params.text("instId").split(","):
            size = self._affordable(account, name)
            found.append(rows.Size(name, size, size))
        return found

    def max_available_size(self, account: Account, params: Params, _: int) -> Rows:
        found = []
        for name in params.text("instId").split(","):
            size = self._affordable(account, name)
            found.append(rows.AvailableSize(name, size, size))
        return found

    def _affordable(self, account: Account, inst_id: str) -> str:
        """Contracts that the free equity would carry at the mark."""
        listed = self._instruments.get(inst_id)
        if listed is None:
            raise OkxError(codes.NO_INSTRUMENT)
        desk, market = self._desk(account), self._floor.markets[inst_id]
        free = desk.book.wallet + self._floor.unrealized(desk) - sum(self._floor.margins(desk), ZERO)
        per_coin = market.mark_price * (1 / desk.book.position(inst_id).leverage + account.taker_rate)
        lot = listed.contract.lot
        return plain(listed.contracts(max(ZERO, free) / per_coin // lot * lot))

    def rate_limit(self, account: Account, _: Params, now_ms: int) -> Rows:
        most = str(self._limiter.limits.account_orders_per_2s or 1_000)
        return [rows.RateLimit(most, most, str(now_ms))]

    def _swap(self, params: Params) -> Instrument:
        if not params.has("instId"):
            raise missing("instId")
        listed = self._instruments.get(params.text("instId"))
        if listed is None or not listed.is_swap:
            raise OkxError(codes.NO_INSTRUMENT)
        return listed

    # -- dead man's switch -------------------------------------------------------------------------------------------

    def cancel_all_after(self, account: Account, params: Params, now_ms: int) -> Rows:
        """https://www.okx.com/docs-v5/en/#order-book-trading-trade-post-cancel-all-after"""
        seconds, tag = params.whole("timeOut", None, 0, LONGEST_S), params.text("tag", "")
        if 0 < seconds < SHORTEST_S:
            raise wrong("timeOut")
        if tag and not TAG.fullmatch(tag):
            raise wrong("tag")
        name = account.key, tag
        if not seconds:
            self._countdowns.pop(name, None)
            return [Countdown("0", tag, str(now_ms))]
        armed = sum(key == account.key for key, _ in self._countdowns)
        if name not in self._countdowns and armed >= TAGS_AT_MOST:
            raise OkxError("51071", "You've reached the maximum limit for tag level cancel all after timers.")
        self._countdowns[name] = at_ms = now_ms + seconds * 1000
        return [Countdown(str(at_ms), tag, str(now_ms))]

    def tick(self, now_ms: int) -> None:
        """Cancels the orders whose countdown is over."""
        for (key, tag), at_ms in list(self._countdowns.items()):
            if now_ms < at_ms:
                continue
            del self._countdowns[key, tag]
            for market in self._floor.markets.values():
                for order in market.engine.resting(key):
                    if tag in ("", self._register.of(order).terms.tag):
                        self._floor.cancel(key, order.order_id, now_ms, Reason.DISCONNECTED)


def uid_of(account: Account) -> str:
    """The account's number, of the length that the venue's numbers have."""
    return str(account.uid or 44_705_892_343_619_584)
