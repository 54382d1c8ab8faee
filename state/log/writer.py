"""The pipeline's end of the log: `append` encodes a record, a writer thread makes the bytes durable.

The pipeline's thread encodes, because it has the event in its cache and may forget it at once: kept until its block is
written, an event is a dozen containers that another core fetches, walks and frees, which costs all that was saved and more.

Bounded: when more than `queue_blocks` blocks wait, `append` waits up to `stall_timeout_s` and then raises; the record is kept.
After a failure nothing more is taken, `done` is never called for what is not durable, and `close` tries the rest once more.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Condition, Lock, Thread
from typing import Literal, TypeAlias

from state.errors import LogError, WrongUse
from state.events import FeedStatus
from state.log.database import explain
from state.log.ink import HeldFrame, Ink, Page
from state.log.rows import UNJOURNALED, SessionStatus
from state.record import Frame, Record, canonical

PAGE_BLOCKS_MAX = 4  # blocks in one transaction, so that a commit behind them waits for no more

Done: TypeAlias = Callable[[int], None]


@dataclass(slots=True)
class _Ending:
    closed: int
    status: SessionStatus


@dataclass(slots=True)
class _Handover:
    page: Page
    done: Done | None = None
    ending: _Ending | None = None


@dataclass(slots=True)
class _Backlog:
    """What the writer thread has taken and not yet made durable."""

    page: Page = field(default_factory=Page)
    dones: list[Done] = field(default_factory=list)
    ending: _Ending | None = None


class SessionWriter:
    """Writes one session; made by `Log.begin`, used by the pipeline's thread alone."""

    def __init__(
        self,
        ink: Ink,
        session: str,
        name: str,
        *,
        market_frames: bool,
        block_size: int,
        queue_blocks: int,
        stall_timeout_s: float,
        on_failure: Callable[[LogError], None] | None,
    ) -> None:
        self.session = session
        self._ink = ink
        self._name = name
        self._market_frames = market_frames
        self._block = block_size
        self._room = queue_blocks * block_size
        self._stall_timeout_s = stall_timeout_s
        self._on_failure = on_failure
        self._page = Page()
        self._parts, self._told = self._page.parts, self._page.told
        self._next_seq = 1
        self._frame: Frame | None = None
        self._held: HeldFrame | None = None
        self._held_is_gone = False
        self._frame_id = 0
        self._handed = 0
        self._taken = 0
        self._stalled = False
        self._closed = False
        self._failure: LogError | None = None
        self._durable_seq = 0
        self._progress = Condition()
        self._ink_lock = Lock()
        self._queue: SimpleQueue[_Handover] = SimpleQueue()
        self._thread = Thread(target=self._write_all, name=f"log {session}", daemon=True)
        self._thread.start()

    @property
    def durable_seq(self) -> int:
        """The last seq that a crash of the machine cannot take away."""
        return self._durable_seq

    @property
    def is_remote(self) -> bool:
        """The log is on a server: an event loop commits by `commit`, never by `flush`."""
        return self._ink.is_remote

    def digest(self) -> bytes:
        """The running digest over everything that is durable."""
        return self._ink.head

    # --- the pipeline's thread ---------------------------------------------------------------------------------

    def append(self, record: Record, frame: Frame | None = None) -> None:
        """Takes the next record; `frame` is kept if it is private, on request, or speaks of the feed itself.

        Raises `WrongUse` on a gap in `seq`, `LogError` when the log has failed or does not keep up.
        """
        seq = record.seq
        if seq != self._next_seq or self._failure is not None or self._closed:
            self._refuse(seq)
        parts = self._parts
        try:
            parts.append(canonical(record))
        except Exception as error:  # noqa: BLE001 - whatever it is, nothing may go on without the record
            self._fail(_unwritable(record, error))
            self._check()
        self._next_seq = seq + 1
        kind = type(record.event)
        if kind not in UNJOURNALED:
            self._told.append(record)
        if frame is not None and (frame.private or self._market_frames or frame is self._frame or kind is FeedStatus):
            self._hold(frame, seq)
        if len(parts) >= self._block:
            self._wait_for_room()
            self._hand_over()

    def keep(self, frame: Frame) -> None:
        """Takes a frame that yielded no event; raises as `append` does."""
        self._check()
        self._frame = self._held = None
        self._frame_id += 1
        self._page.frames.append(HeldFrame(self._frame_id, frame, 0, 0))
        if len(self._page.frames) >= self._block:
            self._wait_for_room()
            self._hand_over()

    def snapshot(self, seq: int, body: bytes) -> None:
        """Takes the state at `seq`; it is durable with the next commit."""
        self._check()
        self._page.snapshots.append((seq, body))

    def commit(self, done: Done) -> None:
        """Makes all that was appended durable; then `done(seq)` is called, from the writer thread."""
        self._check()
        self._wait_for_room()
        self._hand_over(done)

    def flush(self, timeout_s: float | None = None) -> int:
        """Waits until all that was appended is durable, and returns its last seq; raises `LogError`.

        Where the writer thread has nothing to do, this thread commits itself: a hand-over there and back costs 50 to 100 µs,
        and more than the commit while this thread holds the interpreter.
        """
        self._check()
        if self._handed == self._taken:
            if self._ink_lock.acquire(timeout=-1 if timeout_s is None else timeout_s):
                return self._write_here()
        else:
            arrived: list[int] = []
            self._hand_over(arrived.append)
            with self._progress:
                self._progress.wait_for(lambda: bool(arrived) or self._failure is not None, timeout_s)
            if arrived:
                return arrived[0]
            self._check()
        raise LogError(f"{self._name} made nothing durable within {timeout_s} s")

    def _write_here(self) -> int:
        try:
            self._ink.write(self._page)
            untidy = self._ink.is_untidy
        except Exception as error:  # noqa: BLE001 - the page stays, `close` tries it once more
            self._fail(error)
            self._check()
        finally:
            self._ink_lock.release()
        self._renew_page()
        self._durable_seq = self._ink.last_seq
        if untidy:
            self._queue.put(_Handover(Page()))
        return self._durable_seq

    def close(self, closed: int, status: Literal["closed", "crashed"] = "closed") -> bytes:
        """Makes the rest durable, ends the session at `closed` (ns) and returns the running digest.

        Raises `LogError` when not everything that was taken could be made durable; the claim is given back anyway.
        """
        if self._closed:
            raise WrongUse(f"session {self.session} is closed already")
        self._closed = True
        before = self._failure
        self._queue.put(_Handover(self._page, None, _Ending(closed, status)))
        self._thread.join()
        if self._failure is not None and self._failure is not before:
            raise LogError(str(self._failure)) from self._failure
        return self._ink.head

    def _refuse(self, seq: int) -> None:
        self._check()
        raise WrongUse(f"record {seq} was appended where {self._next_seq} was due")

    def _check(self) -> None:
        if self._failure is not None:
            raise type(self._failure)(str(self._failure)) from self._failure
        if self._closed:
            raise WrongUse(f"session {self.session} is closed")

    def _hold(self, frame: Frame, seq: int) -> None:
        """Keeps a frame once for a run of neighbouring records, so that its span says exactly which came from it."""
        held = self._held
        if held is not None and frame is self._frame and held.last_seq == seq - 1:
            if self._held_is_gone:
                # The writer thread has the frame already: what follows is only how far it reaches.
                self._held = held = HeldFrame(held.id, None, held.first_seq, seq)
                self._page.frames.append(held)
                self._held_is_gone = False
            held.last_seq = seq
            return
        self._frame_id += 1
        self._frame = frame
        self._held = HeldFrame(self._frame_id, frame, seq, seq)
        self._held_is_gone = False
        self._page.frames.append(self._held)

    def _hand_over(self, done: Done | None = None) -> None:
        page = self._renew_page()
        self._handed += len(page)
        self._queue.put(_Handover(page, done))

    def _renew_page(self) -> Page:
        page, self._page = self._page, Page()
        self._parts, self._told = self._page.parts, self._page.told
        self._held_is_gone = True
        return page

    def _wait_for_room(self) -> None:
        if self._handed - self._taken < self._room:
            self._stalled = False
            return
        wait_s = 0.0 if self._stalled else self._stall_timeout_s
        with self._progress:
            self._stalled = not self._progress.wait_for(
                lambda: self._handed - self._taken < self._room or self._failure is not None, wait_s
            )
        self._check()
        if self._stalled:
            raise LogError(f"{self._name} does not keep up: {self._handed - self._taken} entries wait to be written")

    # --- the writer thread -------------------------------------------------------------------------------------

    def _write_all(self) -> None:
        backlog = _Backlog()
        while backlog.ending is None:
            self._take(backlog)
            if self._failure is None or backlog.ending is not None:
                self._attempt(backlog)
        try:
            self._ink.release()
        except Exception as error:  # noqa: BLE001
            self._fail(error)

    def _take(self, backlog: _Backlog) -> None:
        """Waits for one hand-over and adds what else is there, up to a bound."""
        handover = self._queue.get()
        while True:
            backlog.page.extend(handover.page)
            backlog.ending = handover.ending
            if handover.done is not None:
                backlog.dones.append(handover.done)
            if backlog.ending is not None or len(backlog.page) >= PAGE_BLOCKS_MAX * self._block:
                return
            try:
                handover = self._queue.get_nowait()
            except Empty:
                return

    def _attempt(self, backlog: _Backlog) -> None:
        try:
            with self._ink_lock:
                self._ink.write(backlog.page)
            self._report(backlog)
            with self._ink_lock:
                if backlog.ending is not None:
                    self._ink.close(backlog.ending.closed, backlog.ending.status)
                else:
                    self._ink.tidy()
        except Exception as error:  # noqa: BLE001 - whatever it is, the pipeline must hear of it
            backlog.dones = []  # nobody may be told later that an intent can leave: the pipeline has halted
            self._fail(error)

    def _report(self, backlog: _Backlog) -> None:
        dones, taken = backlog.dones, len(backlog.page)
        backlog.page, backlog.dones = Page(), []
        self._durable_seq = self._ink.last_seq
        for done in dones:
            done(self._durable_seq)
        with self._progress:
            self._taken += taken
            self._progress.notify_all()

    def _fail(self, error: Exception) -> None:
        failure = error if isinstance(error, LogError) else explain(self._name, error)
        failure.__cause__ = error if failure is not error else error.__cause__
        with self._progress:
            is_first = self._failure is None
            self._failure = failure
            self._progress.notify_all()
        if is_first and self._on_failure is not None:
            self._on_failure(failure)


def _unwritable(record: Record, error: Exception) -> LogError:
    failure = LogError(f"record {record.seq}, a {type(record.event).__name__}, cannot be written: {error}")
    failure.__cause__ = error
    return failure
