"""The private socket: authentication, subscriptions, and what happens to an account pushed to it."""

# ruff: noqa: N815
# The field names are the venue's own.

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from adapters.loopback.bybit import auth, render
from adapters.loopback.bybit.codes import BybitError
from adapters.loopback.bybit.replies import PrivatePong, Request, StreamReply
from adapters.loopback.connection import Connection
from adapters.loopback.floor import Change, Floor
from adapters.loopback.ledger import Account
from adapters.loopback.orders import Reason

FORMS = {
    "order": ("order", "order.linear"),
    "execution": ("execution", "execution.linear"),
    "execution.fast": ("execution.fast", "execution.fast.linear"),
    "position": ("position", "position.linear"),
    "wallet": ("wallet",),
    "dcp": ("dcp.future",),
}
TOPICS = frozenset(form for forms in FORMS.values() for form in forms)


class Push(msgspec.Struct, gc=False):
    id: str
    topic: str
    creationTime: int
    data: Sequence[msgspec.Struct]


class PrivateHub:
    """The private sockets of all accounts."""

    def __init__(self, floor: Floor, accounts: Mapping[str, Account], clock: Callable[[], int]) -> None:
        self._floor, self._accounts, self._clock = floor, accounts, clock
        self._gone_since_ms: dict[str, int] = {}
        self.connections: dict[str, Connection] = {}

    # -- customers ---------------------------------------------------------------------------------------------------

    def join(self, connection: Connection) -> None:
        self.connections[connection.conn_id] = connection

    def leave(self, connection: Connection) -> None:
        """Forgets a connection; the last protected one of an account starts its dead man's clock."""
        self.connections.pop(connection.conn_id, None)
        account = connection.account
        if account is not None and "dcp.future" in connection.topics and not self._protected(account.key):
            self._gone_since_ms[account.key] = self._clock()

    def receive(self, connection: Connection, frame: bytes) -> None:
        """Answers one message of a customer."""
        connection.active_ms = now_ms = self._clock()
        try:
            request = msgspec.json.decode(frame, type=Request)
        except msgspec.DecodeError:
            self._reply(connection, Request(op=""), "Params Error")
            return
        if request.op == "ping":
            pong = PrivatePong([str(now_ms)], connection.conn_id, request.req_id or msgspec.UNSET)
            connection.send("reply.ping", msgspec.json.encode(pong))
        elif request.op == "auth":
            self._authenticate(connection, request, now_ms)
        elif request.op not in ("subscribe", "unsubscribe"):
            self._reply(connection, request, "Invalid op")
        elif connection.account is None:
            self._reply(connection, request, "Request not authorized")
        else:
            self._change(connection, request)

    def _authenticate(self, connection: Connection, request: Request, now_ms: int) -> None:
        try:
            connection.account = auth.check_socket(request.args, self._accounts, now_ms)
        except BybitError as error:
            self._reply(connection, request, error.words)
            return
        self._reply(connection, request, "")

    def _change(self, connection: Connection, request: Request) -> None:
        topics = request.topics()
        unknown = [topic for topic in topics if topic not in TOPICS]
        wanted = connection.topics | set(topics)
        mixed = [forms[1] for forms in FORMS.values() if len(forms) == 2 and wanted >= set(forms)]
        if unknown or not topics:
            self._reply(connection, request, f"Invalid topic: {', '.join(unknown)}")
        elif mixed and request.op == "subscribe":
            self._reply(connection, request, f"all-in-one and categorised topics must not be mixed: {mixed[0]}")
        else:
            connection.topics = wanted if request.op == "subscribe" else connection.topics - set(topics)
            self._reply(connection, request, "")
            if connection.account is not None and "dcp.future" in connection.topics:
                self._gone_since_ms.pop(connection.account.key, None)

    @staticmethod
    def _reply(connection: Connection, request: Request, words: str) -> None:
        reply = StreamReply(not words, words, connection.conn_id, request.op, request.req_id or msgspec.UNSET)
        connection.send(f"reply.{request.op}", msgspec.json.encode(reply))

    # -- dead man's switch -------------------------------------------------------------------------------------------

    def _protected(self, key: str) -> bool:
        return any(
            c.account is not None and c.account.key == key and "dcp.future" in c.topics
            for c in self.connections.values()
        )

    def tick(self, now_ms: int, windows_s: Mapping[str, int]) -> None:
        """Cancels the orders of accounts whose protected sockets have been gone for their window."""
        for key, since_ms in list(self._gone_since_ms.items()):
            window_s = windows_s.get(key)
            if window_s is not None and now_ms - since_ms >= window_s * 1000:
                del self._gone_since_ms[key]
                self._floor.cancel_all(key, now_ms, list(self._floor.markets), Reason.DISCONNECTED)

    # -- pushing -----------------------------------------------------------------------------------------------------

    def heard(self, change: Change) -> None:
        """Pushes a command's consequences to the accounts concerned: executions, orders, position, wallet."""
        if not self.connections:
            return
        keys = dict.fromkeys([fill.account for fill in change.fills] + [order.account for order in change.orders])
        for key in keys:
            self._tell(key, change)

    def _tell(self, key: str, change: Change) -> None:
        symbol, seq = change.market.contract.symbol, change.market.engine.seq
        fills = [fill for fill in change.fills if fill.account == key]
        trades = [fill for fill in fills if fill.kind == "trade"]
        orders = [order for order in change.orders if order.account == key]
        if trades:
            self._push(key, "execution.fast", seq, lambda: [render.fast_execution(fill) for fill in trades])
        if fills:
            self._push(key, "execution", seq, lambda: [render.execution(fill) for fill in fills])
        if orders:
            self._push(key, "order", seq, lambda: [render.order(symbol, order) for order in orders])
        self.push_holdings(key, symbol)

    def push_holdings(self, key: str, symbol: str) -> None:
        """Pushes an account's position in a symbol, and its wallet."""
        desk, market = self._floor.desks[key], self._floor.markets[symbol]
        held, seq = desk.book.position(symbol), market.engine.seq
        self._push(key, "position", seq, lambda: [render.pushed_position(held, market.mark_price)])
        self._push(key, "wallet", seq, lambda: [render.wallet(self._floor, desk)])

    def _push(self, key: str, name: str, seq: int, draw: Callable[[], Sequence[msgspec.Struct]]) -> None:
        """Renders rows once for each form of a topic that somebody listens to."""
        listeners = [c for c in self.connections.values() if c.account is not None and c.account.key == key]
        uid = self._accounts[key].uid
        for form in FORMS[name]:
            there = [connection for connection in listeners if form in connection.topics]
            if there:
                frame = msgspec.json.encode(Push(f"{uid}_{form}_{seq}", form, self._clock(), draw()))
                for connection in there:
                    connection.send(form, frame)
