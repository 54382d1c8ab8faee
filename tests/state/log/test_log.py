"""What a log is, on both databases: what was appended is read back, and what was called durable is there."""

import threading
from itertools import pairwise

import pytest
import sqlalchemy as sa

from state.errors import LogError, LogLocked, WrongUse
from state.events import CancelAll, FeedStatus, Fill, PlaceOrder, SessionOpened, Signal, Trade
from state.log import Log, ink, start_digest
from state.log.rows import UNJOURNALED
from state.log.verify import check
from state.record import Frame, Record, canonical, event_to_json
from tests.state.log.recorded import EVERY, T0, D, frame_of, records, write


def digest_of(session: str, what: list[Record]) -> bytes:
    digest = start_digest(session)
    for record in what:
        digest.update(canonical(record))
    return digest.digest()


def trades(first: int, last: int) -> list[Record]:
    return [Record(n, T0 + n, 0, Trade("bybit", "X", None, str(n), n / 2, 1.0, "buy")) for n in range(first, last + 1)]


def test_what_was_appended_is_read_back(log: Log) -> None:
    made = records("s", 300)
    head = write(log, "s", made, block_size=64, flush_every=7)
    assert list(log.records("s")) == made
    assert head == digest_of("s", made)
    row = log.find("s")
    assert (row.status, row.opened, row.closed, row.last_seq, row.events) == ("closed", T0, made[-1].recv, 300, 300)
    assert (row.head, row.manifest, row.parent) == (head.hex(), '{"code":"1"}', "")
    assert check(log, "s") == []


@pytest.mark.parametrize(
    ("first", "last"),
    [(1, None), (1, 1), (64, 65), (65, 128), (100, 170), (300, 300), (300, None), (301, None), (250, 900), (5, 4)],
)
def test_a_range_is_cut_out_of_the_blocks(log: Log, first: int, last: int | None) -> None:
    made = records("s", 300)
    write(log, "s", made, block_size=64)
    wanted = [record for record in made if first <= record.seq <= (last or 300)]
    blocks = list(log.blocks("s", first, last))
    assert [record for block in blocks for record in block] == wanted
    assert all(blocks)


@pytest.mark.parametrize(
    ("block_size", "flush_every"), [(1, 0), (3, 2), (7, 1), (50, 3), (64, 64), (4096, 0), (4096, 10)]
)
def test_the_digest_depends_neither_on_blocks_nor_on_commits_nor_on_the_database(
    log: Log, block_size: int, flush_every: int
) -> None:
    made = records("s", 200)
    assert write(log, "s", made, block_size=block_size, flush_every=flush_every) == digest_of("s", made)
    assert list(log.records("s")) == made
    assert check(log, "s") == []


def test_small_blocks_become_one(log: Log) -> None:
    made = records("s", 1000)
    write(log, "s", made, block_size=100, flush_every=3)
    blocks = list(log.stored_blocks("s"))
    assert len(blocks) <= 11
    assert all(before.last_seq + 1 == after.first_seq for before, after in pairwise(blocks))


def test_the_journal_has_a_row_for_all_but_market_records_and_ticks(log: Log) -> None:
    made = records("s", 300)
    write(log, "s", made, block_size=64)
    wanted = [record for record in made if type(record.event) not in UNJOURNALED]
    rows = list(log.journal("s"))
    assert [row.seq for row in rows] == [record.seq for record in wanted]
    for row, record in zip(rows, wanted, strict=True):
        event = record.event
        assert (row.recv, row.cause, row.type) == (record.recv, record.cause, type(event).__name__)
        assert (row.venue, row.symbol) == (event.venue, event.symbol)
        assert row.payload == event_to_json(event).decode()
        assert row.client_id == (getattr(event, "client_id", None) or None)
        assert row.order_id == (getattr(event, "order_id", None) or None)
        assert row.strategy == (getattr(event, "strategy", None) or None)


def test_the_journal_is_asked_by_type_client_id_and_range(log: Log) -> None:
    made = records("s", 300)
    write(log, "s", made)
    rows = list(log.journal("s"))
    fills_and_places = [row for row in rows if row.type in ("Fill", "PlaceOrder")]
    assert list(log.journal("s", types=("Fill", "PlaceOrder"))) == fills_and_places != []
    assert list(log.journal("s", client_id="c-2")) == [row for row in rows if row.client_id == "c-2"] != []
    assert list(log.journal("s", first=50, last=90)) == [row for row in rows if 50 <= row.seq <= 90] != []


def test_the_journal_is_rebuilt_from_the_blocks(log: Log, log_url: str) -> None:
    write(log, "s", records("s", 300), block_size=32)
    before = list(log.journal("s"))
    engine = sa.create_engine(log_url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM journal WHERE seq > 100")
        connection.exec_driver_sql("UPDATE journal SET payload = '{}' WHERE seq < 50")
    engine.dispose()
    assert log.rebuild_journal("s") == len(before)
    assert list(log.journal("s")) == before
    assert check(log, "s") == []


# --- frames and snapshots ------------------------------------------------------------------------------------------


def public(n: int) -> Frame:
    return Frame(T0 + n, "bybit", "public.0", "in", b'{"topic":"publicTrade"}' * 3)


@pytest.mark.parametrize("market_frames", [False, True], ids=["private frames alone", "market frames too"])
def test_frames_are_kept_and_pointed_to(log: Log, market_frames: bool) -> None:
    writer = log.begin("s", "{}", T0, market_frames=market_frames, block_size=3)
    private = Frame(T0 + 4, "bybit", "private", "in", b'{"topic":"order"}', "wss://venue/private", True)
    request = Frame(T0 + 9, "bybit", "trade", "out", b'{"op":"order.create"}', private=True)
    public_1, public_9 = public(1), public(9)
    writer.append(Record(1, T0, 0, SessionOpened("s", 1)))
    writer.append(trades(2, 2)[0], public_1)
    writer.append(trades(3, 3)[0], public_1)  # a block ends here
    for seq in (4, 5, 6, 7):  # and another within this frame's records
        writer.append(Record(seq, T0 + 4, 0, EVERY[8]), private)
    writer.keep(request)
    writer.append(Record(8, T0 + 8, 0, FeedStatus("bybit", "X", "public.0", "gap", "no JSON")), public_9)
    writer.append(Record(9, T0 + 9, 0, CancelAll("bybit", "")))
    writer.close(T0 + 10)
    kept = list(log.frames("s"))
    spans = [(frame.channel, frame.first_seq, frame.last_seq) for frame in kept]
    market = [("public.0", 2, 3)] if market_frames else []
    assert spans == [*market, ("private", 4, 7), ("trade", 0, 0), ("public.0", 8, 8)]
    assert [frame.frame for frame in kept if frame.private] == [private, request]
    by_id = {frame.id: frame.frame for frame in kept}
    pointers = {row.seq: None if row.frame is None else by_id[row.frame] for row in log.journal("s")}
    assert pointers == {1: None, 4: private, 5: private, 6: private, 7: private, 8: public_9, 9: None}
    assert [frame.id for frame in log.frames("s", channel="trade")] == [
        frame.id for frame in kept if frame.body == request.body
    ]
    assert all(frame.private for frame in log.frames("s", private=True))
    assert check(log, "s") == []


def test_a_frame_whose_records_are_no_neighbours_is_kept_for_each_run(log: Log) -> None:
    writer = log.begin("s", "{}", T0)
    frame = Frame(T0, "bybit", "private", "in", b"{}", private=True)
    for seq in (1, 2, 3, 4, 5):
        writer.append(Record(seq, T0, 0, EVERY[8]), frame if seq != 3 else None)
    writer.close(T0)
    assert [(kept.first_seq, kept.last_seq) for kept in log.frames("s")] == [(1, 2), (4, 5)]
    assert [row.frame for row in log.journal("s")] == [1, 1, None, 2, 2]


def test_the_newest_snapshot_at_or_below_a_seq(log: Log) -> None:
    writer = log.begin("s", "{}", T0)
    for record in trades(1, 30):
        writer.append(record)
        if record.seq % 10 == 0:
            writer.snapshot(record.seq, b"state at %d" % record.seq)
    writer.close(T0)
    asked = {seq: log.snapshot_at("s", seq) for seq in (9, 10, 25, 99)}
    assert asked == {9: None, 10: (10, b"state at 10"), 25: (20, b"state at 20"), 99: (30, b"state at 30")}


def test_what_no_text_column_can_hold_is_in_the_payload(log: Log) -> None:
    writer = log.begin("s", "{}", T0)
    event = Fill("by\x00bit", "X", None, "f", "o\x00", "c\x00", "buy", D(1), D(1), D(1), "USDT")
    writer.append(Record(1, T0, 0, event))
    writer.append(Record(2, T0, 0, Signal("nan", float("nan"))))
    writer.close(T0)
    row = next(log.journal("s"))
    assert (row.venue, row.client_id, row.order_id) == ("by\ufffdbit", "c\ufffd", "o\ufffd")
    assert next(log.records("s")).event == event
    assert check(log, "s") == []


# --- durability ----------------------------------------------------------------------------------------------------


def test_done_is_called_from_the_writer_thread_when_a_second_reader_can_see_it(log: Log, log_url: str) -> None:
    writer = log.begin("s", "{}", T0)
    seen: list[tuple[int, int, str]] = []
    arrived = threading.Semaphore(0)

    def done(seq: int) -> None:
        with Log.open(log_url) as other:
            seen.append((seq, sum(1 for _ in other.records("s")), threading.current_thread().name))
        arrived.release()

    for record in trades(1, 5):
        writer.append(record)
    writer.commit(done)
    for record in trades(6, 9):
        writer.append(record)
    writer.commit(done)
    assert arrived.acquire(timeout=30)
    assert arrived.acquire(timeout=30)
    assert [(seq, "log s") for seq, _, _ in seen] == [(seq, name) for seq, _, name in seen]
    assert all(count >= seq for seq, count, _ in seen)
    assert seen[-1][0] == writer.durable_seq == 9
    writer.close(T0)


def test_flush_says_what_is_durable_behind_queued_commits(log: Log) -> None:
    writer = log.begin("s", "{}", T0, block_size=16)
    called: list[int] = []
    assert writer.flush(30) == 0
    for record in trades(1, 200):
        writer.append(record)
        if record.seq % 9 == 0:
            writer.commit(called.append)
    assert writer.flush(30) == writer.durable_seq == 200
    assert called == sorted(called)
    assert len(called) == 200 // 9
    assert writer.digest() == digest_of("s", trades(1, 200))
    assert log.find("s").last_seq == 200  # a running session is as long as its blocks
    assert log.find("s").head == writer.digest().hex()
    assert check(log, "s") == []
    writer.close(T0)


def test_the_row_of_a_running_session_is_brought_up_whenever_the_log_is_tidied(
    log: Log, log_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For those who ask the table itself; our own readers look at the blocks."""
    monkeypatch.setattr(ink, "UNTIDY_BYTES_MAX", 1)
    writer = log.begin("s", "{}", T0, block_size=10)
    arrived = threading.Semaphore(0)
    for last in (25, 26):  # the thread has tidied after one commit before it tells of the next
        for record in trades(writer.durable_seq + 1, last):
            writer.append(record)
        writer.commit(lambda _: arrived.release())
        assert arrived.acquire(timeout=30)
    engine = sa.create_engine(log_url)
    with engine.connect() as connection:
        status, last_seq = connection.execute(sa.text("SELECT status, last_seq FROM sessions")).one()
    engine.dispose()
    assert status == "running"
    assert last_seq in (25, 26)
    writer.close(T0)


def test_readers_read_while_the_writer_writes(log: Log, log_url: str) -> None:
    writer = log.begin("s", "{}", T0, block_size=10)
    made = trades(1, 500)
    with Log.open(log_url, create=False) as other:
        for record in made[:250]:
            writer.append(record)
        writer.flush(30)
        reading = other.records("s")
        assert next(reading) == made[0]
        for record in made[250:]:
            writer.append(record)
            if record.seq % 3 == 0:
                writer.flush(30)
        assert list(reading) == made[1:250]  # the log stands still for a reader
        assert list(other.records("s")) == made[: writer.durable_seq]
        assert check(other, "s") == []
    writer.close(T0)


def test_a_gap_in_seq_is_refused_at_the_call(log: Log) -> None:
    writer = log.begin("s", "{}", T0)
    writer.append(trades(1, 1)[0])
    for wrong in (1, 3):
        with pytest.raises(WrongUse, match="where 2 was due"):
            writer.append(trades(wrong, wrong)[0])
    writer.append(trades(2, 2)[0])
    writer.close(T0)
    with pytest.raises(WrongUse, match="closed"):
        writer.append(trades(3, 3)[0])
    with pytest.raises(WrongUse, match="closed"):
        writer.close(T0)
    assert log.find("s").last_seq == 2


# --- when it fails -------------------------------------------------------------------------------------------------


def break_journal(log_url: str, name: str, new_name: str) -> None:
    engine = sa.create_engine(log_url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {name} RENAME TO {new_name}")
    engine.dispose()


@pytest.mark.parametrize("way", ["commit", "flush"])
def test_a_failing_database_is_told_everywhere_and_nothing_is_called_durable(log: Log, log_url: str, way: str) -> None:
    failures: list[LogError] = []
    done: list[int] = []
    failed = threading.Event()

    def on_failure(error: LogError) -> None:
        failures.append(error)
        failed.set()

    writer = log.begin("s", "{}", T0, on_failure=on_failure)
    made = records("s", 100)
    for record in made[:50]:
        writer.append(record)
    assert writer.flush(30) == 50
    break_journal(log_url, "journal", "elsewhere")
    for record in made[50:]:
        writer.append(record)
    if way == "commit":
        writer.commit(done.append)
        assert failed.wait(30)
    else:
        with pytest.raises(LogError, match="journal"):
            writer.flush(30)
    assert (len(failures), done, writer.durable_seq) == (1, [], 50)
    for call in (lambda: writer.append(trades(101, 101)[0]), writer.flush, lambda: writer.commit(done.append)):
        with pytest.raises(LogError, match="journal"):
            call()
    with pytest.raises(LogError, match="journal"):
        writer.close(T0)
    break_journal(log_url, "elsewhere", "journal")
    assert list(log.records("s")) == made[:50]
    assert log.recover("s").status == "crashed"
    assert check(log, "s") == []


@pytest.mark.parametrize("way", ["commit", "flush"])
def test_what_was_taken_before_a_failure_is_tried_once_more_at_close(log: Log, log_url: str, way: str) -> None:
    failed = threading.Event()
    writer = log.begin("s", "{}", T0, on_failure=lambda _error: failed.set())
    made = records("s", 100)
    for record in made:
        writer.append(record)
    break_journal(log_url, "journal", "elsewhere")
    done: list[int] = []
    if way == "commit":
        writer.commit(done.append)
        assert failed.wait(30)
    else:
        with pytest.raises(LogError):
            writer.flush(30)
    break_journal(log_url, "elsewhere", "journal")
    assert writer.close(T0, "crashed") == digest_of("s", made)
    assert done == []  # the pipeline has halted: no intent may leave now
    assert list(log.records("s")) == made
    assert check(log, "s") == []


def test_a_full_queue_raises_and_drops_nothing(log: Log, log_url: str) -> None:
    writer = log.begin("s", "{}", T0, block_size=4, queue_blocks=2, stall_timeout_s=0.05)
    engine = sa.create_engine(log_url.replace("postgresql://", "postgresql+psycopg://"))
    stuck = engine.connect()
    stuck.exec_driver_sql(
        "BEGIN IMMEDIATE" if engine.dialect.name == "sqlite" else "LOCK TABLE blocks IN EXCLUSIVE MODE"
    )
    made = trades(1, 40)
    taken, refused = 0, 0
    for record in made:
        try:
            writer.append(record)
        except LogError as error:
            assert "does not keep up" in str(error)  # noqa: PT017 - the record was taken all the same
            refused += 1
        taken += 1
    assert 0 < refused < taken
    assert writer.durable_seq == 0
    stuck.rollback()
    stuck.close()
    engine.dispose()
    assert writer.flush(30) == 40
    writer.close(T0)
    assert list(log.records("s")) == made
    assert check(log, "s") == []


def test_flush_gives_up_in_time(log: Log, log_url: str) -> None:
    writer = log.begin("s", "{}", T0, block_size=4)
    engine = sa.create_engine(log_url.replace("postgresql://", "postgresql+psycopg://"))
    stuck = engine.connect()
    stuck.exec_driver_sql(
        "BEGIN IMMEDIATE" if engine.dialect.name == "sqlite" else "LOCK TABLE blocks IN EXCLUSIVE MODE"
    )
    for record in trades(1, 4):
        writer.append(record)
    with pytest.raises(LogError, match=r"nothing durable within 0\.05 s"):
        writer.flush(0.05)
    stuck.rollback()
    stuck.close()
    engine.dispose()
    assert writer.flush(30) == 4
    writer.close(T0)


def test_an_event_that_no_codec_holds_fails_the_log_at_once_and_what_was_before_it_is_kept(log: Log) -> None:
    failures: list[LogError] = []
    writer = log.begin("s", "{}", T0, on_failure=failures.append)
    writer.append(Record(1, T0, 0, Trade("bybit", "X", T0, "t", 1.0, 1.0, "buy")))
    with pytest.raises(LogError, match=r"record 2, a Trade, cannot be written: .*serialize"):
        writer.append(Record(2, T0, 0, Trade("bybit", "X", 2**70, "t", 1.0, 1.0, "buy")))
    assert len(failures) == 1
    with pytest.raises(LogError, match="serialize"):
        writer.append(Record(2, T0, 0, Trade("bybit", "X", T0, "t", 1.0, 1.0, "buy")))
    writer.close(T0, "crashed")
    row = log.find("s")
    assert (row.last_seq, row.status) == (1, "crashed")


# --- sessions ------------------------------------------------------------------------------------------------------


def test_sessions_are_listed_oldest_first_and_found_by_a_beginning(log: Log) -> None:
    assert log.sessions() == []
    for name, opened in (("bravo", 20), ("alpha-2", 30), ("alpha-1", 10)):
        writer = log.begin(name, "{}", opened, parent="zulu" if name == "bravo" else "")
        writer.close(opened + 1)
    assert [row.id for row in log.sessions()] == ["alpha-1", "bravo", "alpha-2"]
    assert log.find("last").id == "alpha-2"
    assert log.find("b") == log.find("bravo")
    assert log.find("bravo").parent == "zulu"
    with pytest.raises(WrongUse, match=r"may be any of alpha-1, alpha-2"):
        log.find("alpha")
    for word in ("charlie", "", "bravos"):
        with pytest.raises(WrongUse, match="there is no session"):
            log.find(word)
    assert check(log, "bravo") == []


def test_a_session_id_is_used_once(log: Log) -> None:
    log.begin("s", "{}", T0).close(T0)
    with pytest.raises(WrongUse, match="already"):
        log.begin("s", "{}", T0)
    log.begin("t", "{}", T0).close(T0)  # the claim of the failed one is not left behind


def test_an_unknown_session_is_wrong_use(log: Log) -> None:
    for call in (lambda: list(log.records("x")), lambda: log.rebuild_journal("x"), lambda: log.recover("x")):
        with pytest.raises(WrongUse, match="no session"):
            call()


def test_a_live_session_is_neither_recovered_nor_rebuilt(log: Log, log_url: str) -> None:
    writer = log.begin("s", "{}", T0)
    with Log.open(log_url) as other:
        with pytest.raises(LogLocked, match="still being written"):
            other.recover("s")
        with pytest.raises(LogLocked, match="being written"):
            other.rebuild_journal("s")
    writer.close(T0)
    assert log.recover("s").status == "closed"


def test_an_intent_is_found_by_any_reader_after_flush(log: Log, log_url: str) -> None:
    writer = log.begin("s", "{}", T0)
    with Log.open(log_url) as other:
        for seq in range(1, 20):
            intent = PlaceOrder("bybit", "X", "buy", D(1), client_id=f"c-{seq}")
            writer.append(Record(seq, T0 + seq, 0, intent), frame_of(Record(seq, T0, 0, intent)))
            assert writer.flush(30) == seq
            assert [row.seq for row in other.journal("s", client_id=f"c-{seq}")] == [seq]
    writer.close(T0)
