"""The three socket paths: ping, login, subscriptions and orders, and OKX's answers to them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence

import msgspec

from adapters.loopback.connection import Connection
from adapters.loopback.faults import Fault, Faults, Place
from adapters.loopback.ledger import Account
from adapters.loopback.okx import auth, codes
from adapters.loopback.okx.actions import Actions
from adapters.loopback.okx.calls import SOCKET_COMMANDS
from adapters.loopback.okx.channels import CHANNELS, Arg, Channel, Lane, check
from adapters.loopback.okx.codes import OkxError
from adapters.loopback.okx.commands import Answer, Command, Commands, refusal
from adapters.loopback.okx.limits import Limiter
from adapters.loopback.okx.listings import Instrument
from adapters.loopback.okx.market_hub import MarketHub
from adapters.loopback.okx.params import of_object
from adapters.loopback.okx.rest import failed, micros
from adapters.loopback.okx.sessions import Session, key_of
from adapters.loopback.okx.user_hub import UserHub

REQUEST_ID = re.compile(r"[A-Za-z0-9]{1,32}")
SOCKETS_PER_CHANNEL = 30
ARGS_BYTES = 65_536
ASKED = ("login", "subscribe", "unsubscribe")
FAST, SLOWER = "books-l2-tbt", ("books50-l2-tbt", "books")
"""The fastest book of an instrument and the others exclude each other."""


class Request(msgspec.Struct, gc=False, rename="camel"):
    """A message of a customer."""

    op: str
    args: list[msgspec.Raw] = []
    id: str | None = None
    exp_time: str | int = ""


class Event(msgspec.Struct, gc=False, rename="camel", omit_defaults=True):
    """An answer to anything but an order."""

    event: str
    conn_id: str
    id: str | None = None
    arg: Arg | None = None
    code: str | None = None
    msg: str | None = None
    channel: str | None = None
    conn_count: str | None = None


class Reply(msgspec.Struct, gc=False, rename="camel"):
    """An answer to an order."""

    id: str
    op: str
    code: str
    msg: str
    data: Sequence[object]
    in_time: str
    out_time: str


class Sockets:
    """All sockets of the venue."""

    def __init__(
        self,
        market: MarketHub,
        users: UserHub,
        commands: Commands,
        actions: Actions,
        instruments: Mapping[str, Instrument],
        accounts: Mapping[str, Account],
        limiter: Limiter,
        faults: Faults,
        clock: Callable[[], int],
        vip_level: int,
    ) -> None:
        self._market, self._users, self._commands, self._actions = market, users, commands, actions
        self._instruments, self._accounts, self._limiter = instruments, accounts, limiter
        self._faults, self._clock, self._vip_level = faults, clock, vip_level
        self.sessions: dict[str, Session] = {}

    # -- customers ---------------------------------------------------------------------------------------------------

    def join(self, connection: Connection, lane: Lane) -> None:
        self.sessions[connection.conn_id] = Session(connection, lane, self._clock())

    def leave(self, connection: Connection) -> None:
        session = self.sessions.pop(connection.conn_id)
        self._limiter.forget(session.conn_id)
        for key in list(session.args):
            self._drop(session, key)

    def receive(self, connection: Connection, frame: bytes) -> None:
        """Answers one message of a customer."""
        session = self.sessions[connection.conn_id]
        connection.active_ms = self._clock()
        if frame == b"ping":
            connection.send("reply.ping", b"pong")
            return
        try:
            request = msgspec.json.decode(frame, type=Request)
        except msgspec.DecodeError:
            self._illegal(session, frame)
            return
        if request.id is not None and not REQUEST_ID.fullmatch(request.id):
            self._illegal(session, frame)
        elif request.op in SOCKET_COMMANDS and session.lane is Lane.PRIVATE:
            self._order(session, request, SOCKET_COMMANDS[request.op])
        elif request.op in SOCKET_COMMANDS:
            self._refuse(session, request, OkxError(codes.WRONG_PATH))
        elif request.op not in ASKED:
            self._refuse(session, request, OkxError(codes.BAD_OP, f"Invalid op: {request.op}"))
        elif len(frame) > ARGS_BYTES or not request.args:
            self._illegal(session, frame)
        elif not self._limiter.asks(session.conn_id, self._clock()):
            self._refuse(session, request, OkxError(codes.REQUESTS_TOO_FREQUENT))
        elif request.op == "login":
            self._login(session, request)
        else:
            self._change(session, request, frame)

    # -- login and subscriptions -------------------------------------------------------------------------------------

    def _login(self, session: Session, request: Request) -> None:
        if session.account is not None:
            self._refuse(session, request, OkxError(codes.LOGIN_TWICE))
            return
        try:
            login = msgspec.json.decode(request.args[0], type=auth.Login)
            session.account = auth.check_login(login, self._accounts, self._clock())
        except (msgspec.ValidationError, OkxError) as error:
            said = error if isinstance(error, OkxError) else OkxError(codes.LOGIN_FAILED)
            self._refuse(session, request, said)
            session.leave(4001, "Login Failed")
        else:
            session.connection.account = session.account
            self._say(session, Event("login", session.conn_id, code="0", msg=""))

    def _change(self, session: Session, request: Request, frame: bytes) -> None:
        """Each argument on its own, in order: one answer for each."""
        for raw in request.args:
            try:
                given = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
                arg = {name: _text(value) for name, value in given.items()}
            except msgspec.DecodeError:
                self._illegal(session, frame)
                return
            try:
                if request.op == "subscribe":
                    self._subscribe(session, request, arg)
                else:
                    self._unsubscribe(session, request, arg)
            except OkxError as error:
                self._refuse(session, request, error)

    def _subscribe(self, session: Session, request: Request, arg: Arg) -> None:
        is_known = session.account is not None
        channel = check(arg, session.lane, is_known, self._vip_level, self._instruments)
        self._check_exclusive(session, arg)
        self._say(session, Event("subscribe", session.conn_id, request.id, arg))
        if channel.is_counted and not self._has_room(session, arg["channel"]):
            return
        key = key_of(arg)
        if key in session.args:
            return
        session.args[key] = arg
        session.connection.topics.add(key)
        hub = self._users if channel.lane is Lane.PRIVATE else self._market
        hub.add(session, arg)
        if channel.is_counted:
            self._count(session, channel, arg)

    def _unsubscribe(self, session: Session, request: Request, arg: Arg) -> None:
        check(arg, session.lane, session.account is not None, self._vip_level, self._instruments)
        self._say(session, Event("unsubscribe", session.conn_id, request.id, arg))
        if key_of(arg) in session.args:
            self._drop(session, key_of(arg))

    def _drop(self, session: Session, key: str) -> None:
        arg = session.args.pop(key)
        session.connection.topics.discard(key)
        hub = self._users if CHANNELS[arg["channel"]].lane is Lane.PRIVATE else self._market
        hub.remove(session, key)

    @staticmethod
    def _check_exclusive(session: Session, arg: Arg) -> None:
        channel, inst_id = arg["channel"], arg.get("instId", "")
        rivals = SLOWER if channel == FAST else (FAST,) if channel in SLOWER else ()
        for other in session.args.values():
            if other["channel"] in rivals and other.get("instId") == inst_id:
                words = f"Subscribe to both {channel} and {other['channel']} for {inst_id} is not allowed. "
                raise OkxError(codes.CHANNELS_EXCLUDE, f"{words}Unsubscribe {other['channel']} first.")

    def _has_room(self, session: Session, channel: str) -> bool:
        assert session.account is not None
        there = self._users.sockets(session.account.key, channel)
        if session.conn_id in there or len(there) < SOCKETS_PER_CHANNEL:
            return True
        count = str(SOCKETS_PER_CHANNEL)
        event = Event("channel-conn-count-error", session.conn_id, channel=channel, conn_count=count)
        self._say(session, event)
        return False

    def _count(self, session: Session, channel: Channel, arg: Arg) -> None:
        assert session.account is not None
        count = str(len(self._users.sockets(session.account.key, arg["channel"])))
        event = Event("channel-conn-count", session.conn_id, channel=arg["channel"], conn_count=count)
        self._say(session, event)

    # -- orders ------------------------------------------------------------------------------------------------------

    def _order(self, session: Session, request: Request, command: Command) -> None:
        came, session.enters_orders = micros(), True
        fault = self._faults.ask(Place.TRADE, request.op)
        if fault.cut:
            session.connection.cut()
            return
        is_done = fault.carried_out or not fault.status
        answer = self._carry_out(session, request, command) if is_done else failed(fault)
        self._reply(session, request, failed(fault) if fault.status else answer, fault, came)

    def _carry_out(self, session: Session, request: Request, command: Command) -> Answer:
        try:
            if session.account is None:
                raise OkxError(codes.NOT_LOGGED_IN)
            if request.id is None:
                raise OkxError(codes.BAD_ARGS)
            items = [of_object(bytes(raw)) for raw in request.args]
            deadline = str(request.exp_time)
            return self._commands.carry_out(
                command, session.account, items, self._actions.by_code, deadline, self._clock()
            )
        except OkxError as error:
            return refusal(error)

    @staticmethod
    def _reply(session: Session, request: Request, answer: Answer, fault: Fault, came: str) -> None:
        words = "" if answer.is_timed else answer.words
        reply = Reply(request.id or "", request.op, answer.code, words, answer.data, came, micros())
        frame, connection = msgspec.json.encode(reply), session.connection
        if fault.drop:
            return
        if fault.delay_s:
            asyncio.get_running_loop().call_later(fault.delay_s, connection.queue, frame)
            return
        for _ in range(2 if fault.duplicate else 1):
            connection.queue(frame)

    def announce_upgrade(self) -> None:
        """Tells everybody that their connection will be closed for an upgrade of the service."""
        words = "The connection will soon be closed for a service upgrade. Please reconnect."
        for session in self.sessions.values():
            self._say(session, Event("notice", session.conn_id, code="64008", msg=words))

    # -- answering ---------------------------------------------------------------------------------------------------

    def _illegal(self, session: Session, frame: bytes) -> None:
        words = f"Illegal request: {frame.decode(errors='replace')}"
        self._say(session, Event("error", session.conn_id, code=codes.ILLEGAL, msg=words))

    def _refuse(self, session: Session, request: Request, error: OkxError) -> None:
        self._say(session, Event("error", session.conn_id, request.id, code=error.code, msg=error.words))

    @staticmethod
    def _say(session: Session, event: Event) -> None:
        session.connection.send(f"reply.{event.event}", msgspec.json.encode(event))


def _text(raw: msgspec.Raw) -> str:
    """A value of a subscription as text; raises DecodeError where it is none."""
    value = msgspec.json.decode(raw, type=str | int)
    return str(value)
