"""The private channels: what happens to an account, pushed to its sockets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from adapters.loopback.floor import Change, Fill, Floor
from adapters.loopback.okx import account_render, order_render
from adapters.loopback.okx import account_rows as rows
from adapters.loopback.okx.account import Accounts, uid_of
from adapters.loopback.okx.channels import ANY, Arg, topic_of
from adapters.loopback.okx.listings import Instrument
from adapters.loopback.okx.register import Register, Stage
from adapters.loopback.okx.render import plain
from adapters.loopback.okx.sessions import Session, key_of

REPEAT_MS = 5_000
SNAPSHOT, EVENT = "snapshot", "event_update"


class Push(msgspec.Struct, gc=False, rename="camel", omit_defaults=True):
    arg: Arg
    data: Sequence[msgspec.Struct]
    event_type: str = ""
    cur_page: int = 0
    last_page: bool = False


class Listener:
    """One subscription of a private channel."""

    def __init__(self, session: Session, key: str, arg: Arg, now_ms: int) -> None:
        self.session, self.account = session, key
        self.arg, self.topic = arg, topic_of(arg)
        self.repeat_ms = _interval_ms(arg)
        self.due_ms = now_ms + self.repeat_ms

    def hears(self, instrument: Instrument) -> bool:
        kind, family, inst_id = self.arg.get("instType", ANY), self.arg.get("instFamily"), self.arg.get("instId")
        return (
            kind in (ANY, instrument.inst_type)
            and family in (None, "", instrument.pair)
            and inst_id in (None, "", instrument.inst_id)
        )

    def push(self, data: Sequence[msgspec.Struct], uid: str, now_ms: int, event: str = "") -> None:
        said = {name: value for name, value in self.arg.items() if name != "extraParams"}
        paged = event == SNAPSHOT
        frame = msgspec.json.encode(Push(said | {"uid": uid}, data, event, 1 if paged else 0, paged))
        self.session.push(self.topic, frame, now_ms)


def _interval_ms(arg: Arg) -> int:
    """How often account and positions are said unasked; `extraParams` may say otherwise, and 0 is never."""
    try:
        extra = msgspec.json.decode(arg.get("extraParams") or "{}", type=dict[str, str])
    except msgspec.DecodeError:
        return REPEAT_MS
    given = extra.get("updateInterval", "")
    return int(given) if given.isdecimal() else REPEAT_MS


class UserHub:
    """The private channels of all accounts."""

    def __init__(
        self,
        floor: Floor,
        instruments: Mapping[str, Instrument],
        register: Register,
        accounts: Accounts,
        clock: Callable[[], int],
    ) -> None:
        self._floor, self._instruments, self._register = floor, instruments, register
        self._accounts, self._clock = accounts, clock
        self._listeners: dict[tuple[str, str], Listener] = {}
        """By connection and subscription."""

    # -- customers ---------------------------------------------------------------------------------------------------

    def add(self, session: Session, arg: Arg) -> None:
        """Takes a listener in and says what is, where the channel begins so."""
        assert session.account is not None
        now_ms, key = self._clock(), session.account.key
        listener = self._listeners[session.conn_id, key_of(arg)] = Listener(session, key, arg, now_ms)
        if arg["channel"] == "account":
            self._push_account(listener, SNAPSHOT, now_ms)
        elif arg["channel"] == "positions":
            self._push_positions(listener, SNAPSHOT, now_ms)
        elif arg["channel"] == "balance_and_position":
            held = [name for name, position in self._floor.desks[key].book.positions.items() if position.size]
            self._push_both(listener, SNAPSHOT, held, (), now_ms)

    def remove(self, session: Session, key: str) -> None:
        self._listeners.pop((session.conn_id, key), None)

    def sockets(self, account: str, channel: str) -> set[str]:
        """The sockets of an account that listen to a channel, however many subscriptions each has."""
        return {listener.session.conn_id for listener in self._of(account, channel)}

    def hears(self, account: str, channel: str) -> bool:
        return bool(self._of(account, channel))

    def _of(self, account: str, channel: str) -> list[Listener]:
        return [
            listener
            for listener in self._listeners.values()
            if listener.account == account and listener.arg["channel"] == channel
        ]

    # -- pushing -----------------------------------------------------------------------------------------------------

    def heard(self, change: Change) -> None:
        """Takes note of a command's consequences and pushes them to the accounts concerned."""
        self.tell(change, self._register.stages(change))

    def tell(self, change: Change, stages: Iterable[Stage]) -> None:
        """Money and positions first, as the venue's fastest channel is; then each order stage by stage; then the rest."""
        by_account: dict[str, list[Stage]] = {fill.account: [] for fill in change.fills}
        for stage in stages:
            by_account.setdefault(stage.entry.order.account, []).append(stage)
        for key, told in by_account.items():
            if any(listener.account == key for listener in self._listeners.values()):
                self._tell(key, change, told)

    def _tell(self, key: str, change: Change, stages: list[Stage]) -> None:
        now_ms, inst_id = self._clock(), change.market.contract.symbol
        fills = [fill for fill in change.fills if fill.account == key]
        if fills:
            event = "funding_fee" if fills[0].kind == "funding" else "filled"
            for listener in self._of(key, "balance_and_position"):
                self._push_both(listener, event, [inst_id], fills, now_ms)
        self._push_stages(key, change, stages, now_ms)
        if fills:
            for listener in self._of(key, "positions"):
                self._push_positions(listener, EVENT, now_ms, inst_id)
        for listener in self._of(key, "account"):
            self._push_account(listener, EVENT, now_ms)

    def _push_stages(self, key: str, change: Change, stages: Iterable[Stage], now_ms: int) -> None:
        instrument, uid = self._instruments[change.market.contract.symbol], self._uid(key)
        lever = self._floor.desks[key].book.position(instrument.inst_id).leverage
        there = [listener for listener in self._of(key, "orders") if listener.hears(instrument)]
        fast = [listener for listener in self._of(key, "fills") if listener.hears(instrument)]
        for stage in stages:
            for listener in fast if stage.fill else ():
                assert stage.fill is not None
                listener.push([order_render.fill_push(instrument, stage.fill)], uid, now_ms)
            if there:
                row = order_render.order_push(instrument, stage, change.market, lever)
                for listener in there:
                    listener.push([row], uid, now_ms)

    def settings_changed(self, key: str, inst_id: str) -> None:
        """Pushes a position whose leverage was set."""
        now_ms = self._clock()
        for listener in self._of(key, "balance_and_position"):
            self._push_both(listener, "set_leverage", [inst_id], (), now_ms)
        for listener in self._of(key, "positions"):
            self._push_positions(listener, EVENT, now_ms, inst_id)

    def tick(self, now_ms: int) -> None:
        """Says again what is said every few seconds."""
        for listener in list(self._listeners.values()):
            if not listener.repeat_ms or listener.due_ms > now_ms:
                continue
            listener.due_ms = now_ms + listener.repeat_ms
            if listener.arg["channel"] == "account":
                self._push_account(listener, EVENT, now_ms)
            elif listener.arg["channel"] == "positions":
                self._push_positions(listener, EVENT, now_ms, only_held=True)

    # -- frames ------------------------------------------------------------------------------------------------------

    def _uid(self, key: str) -> str:
        return uid_of(self._floor.desks[key].account)

    def _push_account(self, listener: Listener, event: str, now_ms: int) -> None:
        row = account_render.balance(self._floor, self._floor.desks[listener.account], now_ms)
        if wanted := listener.arg.get("ccy"):
            row.details = [coin for coin in row.details if coin.ccy == wanted]
        listener.push([row], self._uid(listener.account), now_ms, event)

    def _push_positions(
        self, listener: Listener, event: str, now_ms: int, inst_id: str = "", only_held: bool = False
    ) -> None:
        """The one that changed, or all that are held; a snapshot may be empty."""
        positions = self._floor.desks[listener.account].book.positions
        names = [inst_id] if inst_id else [name for name, held in positions.items() if held.size]
        heard = [name for name in names if listener.hears(self._instruments[name])]
        if not heard and (inst_id or only_held):
            return
        drawn = [self._accounts.position(listener.account, name, now_ms) for name in heard]
        listener.push(drawn, self._uid(listener.account), now_ms, event)

    def _push_both(
        self, listener: Listener, event: str, inst_ids: Iterable[str], fills: Iterable[Fill], now_ms: int
    ) -> None:
        key, book = listener.account, self._floor.desks[listener.account].book
        changed_ms = book.statement[-1].ts_ms if book.statement else now_ms
        row = rows.BalanceAndPosition(
            p_time=str(now_ms),
            event_type=event,
            bal_data=[rows.CashRow(plain(book.wallet), str(changed_ms))],
            pos_data=[
                account_render.held_row(
                    self._instruments[name], book.position(name), self._accounts.last_trade(key, name)
                )
                for name in inst_ids
            ],
            trades=[rows.TradeRow(fill.symbol, fill.exec_id) for fill in fills if fill.kind == "trade"],
        )
        listener.push([row], self._uid(key), now_ms)
