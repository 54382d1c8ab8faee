"""What a strategy or an operator calls: one market of one venue, its sockets, its orders, its polls.

Ties the other nouns together and holds no protocol: a venue says what its requests, answers and sockets are, in the few
abstract methods here. How an account is compared with the venue stands in `reconcile.py`, its orderly end in `closing.py`.
"""

import asyncio
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence

from adapters.base.backlog import Load
from adapters.base.cancels import Cancels
from adapters.base.client import Client, SignedRequest
from adapters.base.closing import ROUNDS, shut_down
from adapters.base.dead_man import DeadMan
from adapters.base.known import Known, Watched
from adapters.base.limits import Gate, Limits, Pool, Priority
from adapters.base.missed import tell_missed
from adapters.base.orderid import OrderID
from adapters.base.orders import OrderEntry
from adapters.base.ours import Ours
from adapters.base.owed import Owed
from adapters.base.polls import Polls
from adapters.base.query import Arguments, Query
from adapters.base.reconcile import Reconciler
from adapters.base.rules import Heeding, Rules
from adapters.base.sender import Sender
from adapters.base.settings import Capabilities, ShutdownPolicy, ShutdownReport, Subscription, VenueSettings
from adapters.base.socket import Pump
from adapters.base.struck import StruckTransport
from adapters.base.transport import Transport, network
from adapters.base.websocket import OrderSocket, Websocket
from state.clock import Clock
from state.errors import TapelineError, UnknownWord, WrongUse
from state.events import AmendOrder, AnyEvent, FeedStatus, InstrumentDefined, Intent
from state.record import Frame, Inbox, Record
from state.secrets import Credentials
from state.words import Action

CLOCK_EVERY_S = 60.0
READY_S = 20.0
RETRY_FIRST_S = 0.5
RETRY_MOST_S = 30.0


class Exchange(Polls):
    """One market of a venue. Without credentials it is market data only.

    `on_fatal` is called with the reason when trading must stop: a refused key, an order word that no table has, a bug.
    """

    capabilities: Capabilities
    cancels: type[Cancels] = Cancels
    make_ids: type[OrderID] = OrderID
    closing_rounds = ROUNDS  # how often shutting down asks whether it is true
    batch_sizes: dict[Action, int]
    one_symbol: frozenset[Action] = frozenset()  # whose batches hold orders of one market only
    _asking: asyncio.Task[object] | None = None  # once a ban is over
    _dead_man: DeadMan | None = None
    _private: Pump | None = None
    amends_in_place = False  # an amended order is the same order: a cancel may leave while an amendment is on its way
    accepts_first = False  # an acceptance says that a request was taken: the stream may tell yet that it failed
    dead_man_counts_down = True  # else the venue's switch waits for the connection to be gone

    def __init__(
        self,
        settings: VenueSettings,
        inbox: Inbox,
        clock: Clock,
        session: str,
        credentials: Credentials | None = None,
        transport: Transport | None = None,
    ) -> None:
        self.settings = settings
        self.venue = settings.venue
        self.settle = settings.settle
        self.credentials = credentials
        self.prepare()
        self.order_ids = self.make_ids(session)
        self.on_fatal: Callable[[str], None] = lambda reason: None
        self.known = Known(self.venue)
        self._open_transport: Transport = transport or network()  # for what tells everybody the same
        self.transport: Transport = (
            StruckTransport(self._open_transport, self.credentials) if self.credentials else self._open_transport
        )
        self.inbox: Inbox = inbox
        self.client = self.make_client()
        self.account_inbox: Inbox = Watched(inbox, self.known)
        self.clock = clock
        self._session = session
        gate = Gate(Limits(self.pools(), self.shared_pool()), clock.now_ns, self.transport.sleep)
        self.sender = Sender(
            self.client, self.transport, inbox, clock, gate, venue=self.venue, timeout_s=settings.request_timeout_s
        )
        self.sender.resync_clock = lambda: self._spawn(self._attempt(self.server_time))
        self.sender.ask_again = self._ask_later
        self.ours = Ours(self.venue, self.order_ids, settings.foreign_orders, self.may_rest)
        self.rules = Rules(self._rules_of, inbox, clock, lambda work: self._spawn(self._attempt(work)))
        self.orders = OrderEntry(
            self,
            self.sender,
            Heeding(self.account_inbox, self.rules),
            clock,
            self.cancels(self, self.sender, clock, sleep=self.transport.sleep),
            self.ours,
            sleep=self.transport.sleep,
            timeout_s=settings.request_timeout_s,
            look_up_s=settings.look_up_s,
            on_fatal=self._fatal,
        )
        self.orders.read_account = lambda: self._spawn(self._read_account())
        self._reconciler = Reconciler(
            self,
            self.account_inbox,
            self.known,
            clock,
            is_listening=self._is_listening,
            sleep=self.transport.sleep,
            offset_ns=lambda: self.sender.offset.ns,
        )
        self._pumps: list[Pump] = []
        self._load = Load(self.venue, inbox)
        self._owed = Owed(self.known, self._read_account, self.transport.sleep, lambda: self._load.is_late)
        self._tasks: set[asyncio.Task[object]] = set()

    # --- what a venue must say ---

    def prepare(self) -> None:
        """What its settings mean to a venue, before anything else is made; raises `WrongUse` for what it cannot serve."""

    @abstractmethod
    def make_client(self) -> Client:
        """Signs this account's requests."""

    @abstractmethod
    def pools(self) -> Iterable[Pool]:
        """The venue's rate budgets."""

    def shared_pool(self) -> str:
        """The budget that every request draws from; empty where there is none."""
        return ""

    @abstractmethod
    def public_sockets(self, subscriptions: Iterable[Subscription]) -> Sequence[Websocket]: ...

    @abstractmethod
    def private_socket(self) -> Websocket: ...

    @abstractmethod
    def order_socket(self) -> OrderSocket | None: ...

    def together(self, action: Action, intent: Intent) -> str:
        """What intents must share to leave in one request."""
        return intent.symbol if action in self.one_symbol else ""

    def already_told(self, intent: Intent, left_ns: int) -> Sequence[AnyEvent]:
        """What the stream told of an order, since an intent left, that its acceptance would take back: that it failed."""
        amended = intent.client_id if self.accepts_first and isinstance(intent, AmendOrder) else ""
        told = self.known.told_since(amended, left_ns)
        return (told,) if told is not None and told.refusal is not None else ()

    def order_id_of(self, intent: Intent) -> str | None:
        """The venue's id of an order that was accepted, where it can be computed."""
        return None

    def cancel_scopes(self, symbol: str) -> Sequence[Query]:
        """What is cancelled one after the other, where all of a symbol, or of the venue, is meant."""
        return [Query(symbol=symbol)] if symbol else [Query(coin=coin) for coin in self.settle]

    def may_rest(self) -> Sequence[tuple[str, str]]:
        """Symbol and client id of every order that may rest, as far as anything was told."""
        return list(dict.fromkeys((*self.known.unlisted(()), *self.orders.arriving)))

    # --- life ---

    async def start(self, subscriptions: Iterable[Subscription]) -> None:
        """Instruments first, then sockets; with credentials also the account, which is reconciled before this returns.

        Raises `TapelineError` where the venue cannot be reached or refuses.
        """
        wanted = list(subscriptions)
        await self.server_time()
        followed = dict.fromkeys([*self.settings.symbols, *(s.symbol for s in wanted)])
        with self.sender.asking_once():  # many venues answer for all markets, whichever is asked for
            await self.rules.define(followed, f"{self.venue} has no {self.settings.market} market")
        for protocol in self.public_sockets(wanted):
            self._pump(protocol, on_ready=lambda protocol=protocol: self._public_ready(protocol))  # type: ignore[misc]
        if self.credentials is not None:
            await self._start_account(followed)
        self._spawn(self._every(CLOCK_EVERY_S, self.server_time))

    async def _start_account(self, followed: Iterable[str]) -> None:
        if self.settings.dead_man_s is not None:
            await self._arm_dead_man(self.settings.dead_man_s)
        await self._open_account(followed)
        protocol = self.order_socket() if self.settings.order_entry == "ws" else None
        if protocol is not None:
            self.orders.pump = self._pump(protocol, deliver=self._order_frame)
        self._private = self._pump(self.private_socket(), deliver=self._account_frame, on_ready=self._account_ready)
        if not await self._private.wait_ready(READY_S):
            raise TapelineError(f"{self.venue}: the private stream was not ready within {READY_S} s")
        await self.reconcile()
        self._spawn(self._every(self.settings.check_every_s, self._read_account))

    async def _open_account(self, followed: Iterable[str]) -> None:
        """What is held as the session begins is told before any stream can tell of it."""
        await self._reconciler.open(followed)

    async def _arm_dead_man(self, window_s: int) -> None:
        self._dead_man = DeadMan(
            self.venue,
            window_s,
            self.disconnect_cancel_all,
            self.inbox,
            self.clock,
            counts_down=self.dead_man_counts_down,
            on_expiry=lambda: self._spawn(self._read_account()),
        )
        await self._dead_man.put()
        self._spawn(self._dead_man.keep(self.transport.sleep))

    def _account_frame(self, recv: int, events: Sequence[AnyEvent], frame: Frame | None) -> None:
        """An account frame that did not fit may have told anything: the account is read anew."""
        self.account_inbox.feed(recv, events, 0, frame)
        if any(isinstance(event, FeedStatus) and event.status == "gap" for event in events):
            self._spawn(self._read_account())
        elif self._owed.is_due:
            self._spawn(self._owed.chase())

    def _order_frame(self, recv: int, events: Sequence[AnyEvent], frame: Frame | None) -> None:
        if any(isinstance(event, FeedStatus) and event.status == "down" for event in events):
            self.orders.disconnected("the order socket was lost before the answer")
        self.orders.deliver(recv, events, frame)

    async def close(self) -> None:
        """Ends sockets, sessions and tasks, and waits for them."""
        await self.orders.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(pump.stop() for pump in self._pumps))
        await self.sender.gate.close()
        await self.transport.close()

    async def shutdown(self, policy: ShutdownPolicy) -> ShutdownReport:
        """Cancels what is ours, flattens where asked, and asks again whether it is true; from the reserved budget.

        The dead-man's switch is disarmed only where nothing is left for it, or what is left is meant to stay.
        """
        self._reconciler.priority = Priority.URGENT
        report = await shut_down(self, policy)
        await self.orders.settled(self.settings.look_up_s + self.settings.request_timeout_s)
        if not report.errors:
            await self._attempt(self.reconcile)  # fills that no stream told are told before the end
        if self._dead_man is not None and (policy == "leave" or report.clean):
            await self._dead_man.disarm()
        return report

    def renew_book(self, symbol: str, reason: str) -> None:
        """Has a book told whole again."""
        for pump in self._pumps:
            pump.renew_book(symbol, reason)

    # --- orders ---

    def submit(self, intents: Sequence[Record], *, halted: bool = False) -> None:
        """Sends intents that are already durable; never waits. Raises `WrongUse` without credentials.

        What a `halted` session cancels of its own accord are its own orders.
        """
        if self.credentials is None:
            raise WrongUse(f"{self.venue}: no credentials, no orders")
        self.orders.submit(intents, halted=halted)

    def owns(self, client_id: str) -> bool:
        """True for an order that is this session's to end."""
        return self.ours.has(client_id)

    def request(self, action: str, arguments: Arguments, now_ms: int | None = None) -> SignedRequest:
        """What would be sent; sends nothing."""
        now = self.clock.now_ns() // 1_000_000 if now_ms is None else now_ms
        return self.client.sign(self.build(action, arguments), now)

    def given(self, text: str) -> None:
        """Takes for told by the venue what a person says, as JSON, so that a request can be shown. Raises `WrongUse`."""
        raise WrongUse(f"{self.venue}: a request needs nothing that the venue would have told")

    # --- reconciling ---

    async def reconcile(self) -> None:
        """Reads the account whole, feeds what was missed, and tells each difference as `Reconciled`."""
        await self._reconciler.run()

    def _is_listening(self) -> bool:
        return self._private is not None and self._private.is_up

    async def _account_ready(self) -> None:
        """After a reconnect the account is "down" until it could be read; the first time, `start` does that."""
        if self._private is not None and self._private.reconnects:
            await self._read_account()

    async def _read_account(self) -> None:
        """Until it could be read, or the next connection sees to it."""
        wait_s = RETRY_FIRST_S
        while self._is_listening() and not await self._attempt(self.reconcile):
            await self.transport.sleep(wait_s)
            wait_s = min(wait_s * 2, RETRY_MOST_S)

    async def _public_ready(self, protocol: Websocket) -> None:
        pump = next(pump for pump in self._pumps if pump.protocol is protocol)
        if pump.reconnects:
            await tell_missed(self, protocol, self._attempt)

    async def _rules_of(self, symbol: str) -> Sequence[InstrumentDefined]:
        found = [each for each in await self.instruments(Query(symbol=symbol)) if isinstance(each, InstrumentDefined)]
        return found if self.credentials is None else [await self.fee_rates(event) for event in found]

    def with_flats(self, listed: Sequence[AnyEvent], asked_ns: int, *, feed: bool) -> Sequence[AnyEvent]:
        """A list of positions that holds no flat ones, with those that were held and are not in it."""
        flat = self.known.flats(listed, asked_ns)
        if feed and flat:
            self.account_inbox.feed(self.clock.now_ns(), flat)
        return [*listed, *flat]

    # --- tasks ---

    def _pump(
        self,
        protocol: Websocket,
        *,
        on_ready: Callable[[], Coroutine[None, None, None]] | None = None,
        deliver: Callable[[int, Sequence[AnyEvent], Frame | None], None] | None = None,
    ) -> Pump:
        pump = Pump(
            protocol,
            self.transport if protocol.private else self._open_transport,
            self.inbox,
            self.clock,
            venue=self.venue,
            seed=self._session,
            silence_s=self.settings.silence_s,
            market_frames=self.settings.market_frames,
            offset_ns=lambda: self.sender.offset.ns,
            on_ready=on_ready,
            on_fatal=self._fatal,
            deliver=deliver,
            ask=self.sender.read,
            load=self._load,
        )
        self._pumps.append(pump)
        pump.start()
        return pump

    async def _every(self, seconds: float, work: Callable[[], Awaitable[object]]) -> None:
        while True:
            await self.transport.sleep(seconds)
            await self._attempt(work)

    def _ask_later(self, wait_s: float) -> None:
        """Nobody else may have anything to ask, and whoever waits for the end of a ban would wait for ever."""
        if self._asking is not None:
            self._asking.cancel()
        self._asking = self._spawn(self._ask_again(wait_s))

    async def _ask_again(self, wait_s: float) -> None:
        await self.transport.sleep(wait_s)
        await self._attempt(self.server_time)

    async def _attempt(self, work: Callable[[], Awaitable[object]]) -> bool:
        """Does what may fail for a while; that it did is told. A word that was not understood stops trading."""
        try:
            await work()
        except UnknownWord as word:
            self._fatal(str(word))
        except TapelineError as error:
            now = self.clock.now_ns()
            self.sender.condition.failed(now, str(error))
            self.sender.condition.clock(now, self.sender.offset)
            return False
        return True

    def _spawn(self, work: Coroutine[None, None, object]) -> "asyncio.Task[object]":
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: "asyncio.Task[object]") -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            self._fatal(f"{self.venue}: {error!r}")

    def _fatal(self, reason: str) -> None:
        self.on_fatal(reason)
