"""Ways to falsify a session behind the log's back, each at a place of its choosing; each says which seq must be found.

They do what a clever hand would: lengths, counts and checksums of the compression are put right again; the marks and the
digest are not, unless the name says so.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from state.log.codec import Press, expand, mark_seed, marks_of, split
from state.log.schema import blocks, frames, journal, sessions
from state.log.upcast import as_written
from state.record import Record, canonical

press = Press().press


@dataclass
class Stored:
    """One block taken apart: row and records."""

    row: dict[str, Any]
    parts: list[bytes]

    def put_back(self, connection: sa.Connection, **columns: object) -> None:
        theirs = sa.and_(blocks.c.session == self.row["session"], blocks.c.first_seq == self.row["first_seq"])
        connection.execute(blocks.update().where(theirs).values(body=press(b"".join(self.parts)), **columns))


def take(connection: sa.Connection, session: str, rng: random.Random, *, last: bool = False) -> Stored:
    rows = connection.execute(sa.select(blocks).where(blocks.c.session == session).order_by(blocks.c.first_seq)).all()
    row = dict((rows[-1] if last else rng.choice(rows[:-1]))._mapping)
    return Stored(row, [bytes(part) for part in split(expand(row["body"]), row["count"])])


def edit_record(connection: sa.Connection, session: str, rng: random.Random) -> int:
    block = take(connection, session, rng)
    at = rng.randrange(len(block.parts))
    old = as_written(block.parts[at])
    block.parts[at] = canonical(Record(old.seq, old.recv, old.cause + 1, old.event))
    block.put_back(connection)
    return old.seq


def edit_recv(connection: sa.Connection, session: str, rng: random.Random) -> int:
    block = take(connection, session, rng)
    at = rng.randrange(len(block.parts))
    old = as_written(block.parts[at])
    block.parts[at] = canonical(Record(old.seq, old.recv - rng.randrange(1, 10**9), old.cause, old.event))
    block.put_back(connection)
    return old.seq


def edit_record_and_mark(connection: sa.Connection, session: str, rng: random.Random) -> int:
    """Only the digest can tell, and it speaks for the block."""
    block = take(connection, session, rng)
    at = rng.randrange(1, len(block.parts) - 1)
    old = as_written(block.parts[at])
    block.parts[at] = canonical(Record(old.seq, old.recv + 1, old.cause, old.event))
    block.put_back(connection, marks=marks_of(block.parts, mark_seed(session)))
    return int(block.row["first_seq"])


def delete_record(connection: sa.Connection, session: str, rng: random.Random) -> int:
    block = take(connection, session, rng)
    at = rng.randrange(len(block.parts) - 1)
    del block.parts[at]
    block.put_back(connection, count=len(block.parts))
    return int(block.row["first_seq"]) + at


def insert_record(connection: sa.Connection, session: str, rng: random.Random) -> int:
    block = take(connection, session, rng)
    at = rng.randrange(len(block.parts))
    old = as_written(block.parts[at])
    block.parts.insert(at, canonical(Record(old.seq, old.recv, 0, as_written(rng.choice(block.parts)).event)))
    block.put_back(connection, count=len(block.parts))
    first = int(block.row["first_seq"])
    return first + at if block.parts[at] != block.parts[at + 1] else first + at + 1


def duplicate_record(connection: sa.Connection, session: str, rng: random.Random) -> int:
    block = take(connection, session, rng)
    at = rng.randrange(len(block.parts))
    block.parts.insert(at, block.parts[at])
    block.put_back(connection)  # and the count is left as it was
    return int(block.row["first_seq"]) + at + 1


def reorder_records(connection: sa.Connection, session: str, rng: random.Random) -> int:
    block = take(connection, session, rng)
    one, other = sorted(rng.sample(range(len(block.parts)), 2))
    block.parts[one], block.parts[other] = block.parts[other], block.parts[one]
    block.put_back(connection)
    return int(block.row["first_seq"]) + one


def turn_a_bit(connection: sa.Connection, session: str, rng: random.Random) -> int:
    block = take(connection, session, rng)
    body = bytearray(block.row["body"])
    # Bits 3 and 4 of zstd's frame header descriptor mean nothing and so change nothing.
    at = rng.randrange(5, len(body))
    body[at] ^= 1 << rng.randrange(8)
    theirs = sa.and_(blocks.c.session == session, blocks.c.first_seq == block.row["first_seq"])
    connection.execute(blocks.update().where(theirs).values(body=bytes(body)))
    return int(block.row["first_seq"])


def cut_last_block(connection: sa.Connection, session: str, rng: random.Random) -> int:
    block = take(connection, session, rng, last=True)
    first = int(block.row["first_seq"])
    connection.execute(blocks.delete().where(blocks.c.session == session, blocks.c.first_seq == first))
    return first


def cut_last_records(connection: sa.Connection, session: str, rng: random.Random) -> int:
    """Row and marks are put right too; the digest and the session's row are left."""
    block = take(connection, session, rng, last=True)
    keep = rng.randrange(1, len(block.parts))
    first = int(block.row["first_seq"])
    del block.parts[keep:]
    block.put_back(
        connection,
        count=keep,
        last_seq=first + keep - 1,
        last_recv=as_written(block.parts[-1]).recv,
        marks=marks_of(block.parts, mark_seed(session)),
    )
    return first  # the digest that is left speaks for the block


def delete_block(connection: sa.Connection, session: str, rng: random.Random) -> int:
    block = take(connection, session, rng)
    first = int(block.row["first_seq"])
    connection.execute(blocks.delete().where(blocks.c.session == session, blocks.c.first_seq == first))
    return first


def exchange_blocks(connection: sa.Connection, session: str, rng: random.Random) -> int:
    rows = connection.execute(sa.select(blocks).where(blocks.c.session == session).order_by(blocks.c.first_seq)).all()
    one, other = sorted(rng.sample(rows[:-1], 2), key=lambda row: row.first_seq)
    for to, source in ((one, other), (other, one)):
        theirs = sa.and_(blocks.c.session == session, blocks.c.first_seq == to.first_seq)
        connection.execute(
            blocks.update().where(theirs).values(body=source.body, marks=source.marks, digest=source.digest)
        )
    return int(one.first_seq)


def take_block_of_another_session(connection: sa.Connection, session: str, rng: random.Random) -> int:
    block = take(connection, session, rng)
    first = block.row["first_seq"]
    source = connection.execute(sa.select(blocks).where(blocks.c.session != session, blocks.c.first_seq == first)).one()
    columns = {name: value for name, value in source._mapping.items() if name != "session"}
    theirs = sa.and_(blocks.c.session == session, blocks.c.first_seq == first)
    connection.execute(blocks.update().where(theirs).values(**columns))
    return int(first)


def append_behind_the_end(connection: sa.Connection, session: str, rng: random.Random) -> int:
    block = take(connection, session, rng, last=True)
    seq, last = int(block.row["last_seq"]) + 1, as_written(block.parts[-1])
    part = canonical(Record(seq, last.recv, 0, as_written(block.parts[0]).event))
    row = {**block.row, "first_seq": seq, "last_seq": seq, "count": 1, "first_recv": last.recv, "last_recv": last.recv}
    row |= {"body": press(part), "marks": marks_of([part], mark_seed(session))}
    connection.execute(blocks.insert(), row)
    return seq


def edit_block_recv(connection: sa.Connection, session: str, rng: random.Random) -> int:
    block = take(connection, session, rng)
    column = rng.choice(["first_recv", "last_recv"])
    theirs = sa.and_(blocks.c.session == session, blocks.c.first_seq == block.row["first_seq"])
    connection.execute(blocks.update().where(theirs).values({column: block.row[column] + 1}))
    return int(block.row["first_seq" if column == "first_recv" else "last_seq"])


def edit_block_count(connection: sa.Connection, session: str, rng: random.Random) -> int:
    block = take(connection, session, rng)
    column = rng.choice(["count", "last_seq"])
    theirs = sa.and_(blocks.c.session == session, blocks.c.first_seq == block.row["first_seq"])
    connection.execute(blocks.update().where(theirs).values({column: block.row[column] + rng.choice([-1, 1])}))
    return int(block.row["first_seq"])


def edit_block_digest(connection: sa.Connection, session: str, rng: random.Random) -> int:
    block = take(connection, session, rng)
    theirs = sa.and_(blocks.c.session == session, blocks.c.first_seq == block.row["first_seq"])
    connection.execute(blocks.update().where(theirs).values(digest=rng.randbytes(32)))
    return int(block.row["first_seq"])


def edit_head(connection: sa.Connection, session: str, rng: random.Random) -> int:
    connection.execute(sessions.update().where(sessions.c.id == session).values(head=rng.randbytes(32)))
    return int(take(connection, session, rng, last=True).row["last_seq"])


def _journal_row(connection: sa.Connection, session: str, rng: random.Random) -> sa.Row[Any]:
    return rng.choice(connection.execute(sa.select(journal).where(journal.c.session == session)).all())


def edit_journal(connection: sa.Connection, session: str, rng: random.Random) -> int:
    row = _journal_row(connection, session, rng)
    change = rng.choice([{"payload": row.payload.replace('"', "'", 1)}, {"recv": row.recv + 1}, {"client_id": "x"}])
    connection.execute(journal.update().where(journal.c.session == session, journal.c.seq == row.seq).values(change))
    return int(row.seq)


def delete_journal_row(connection: sa.Connection, session: str, rng: random.Random) -> int:
    row = _journal_row(connection, session, rng)
    connection.execute(journal.delete().where(journal.c.session == session, journal.c.seq == row.seq))
    return int(row.seq)


def add_journal_row(connection: sa.Connection, session: str, rng: random.Random) -> int:
    rows = connection.execute(sa.select(journal).where(journal.c.session == session).order_by(journal.c.seq)).all()
    free = sorted(set(range(1, rows[-1].seq + 5)) - {row.seq for row in rows})
    seq = rng.choice(free)
    connection.execute(journal.insert(), {**rng.choice(rows)._mapping, "seq": seq})
    return seq


def delete_frame(connection: sa.Connection, session: str, rng: random.Random) -> int:
    pointing = sa.select(journal).where(journal.c.session == session, journal.c.frame.is_not(None))
    row = rng.choice(connection.execute(pointing).all())
    connection.execute(frames.delete().where(frames.c.session == session, frames.c.id == row.frame))
    return int(row.seq)


def edit_pointer(connection: sa.Connection, session: str, rng: random.Random) -> int:
    row = _journal_row(connection, session, rng)
    new = rng.choice([10**6, None if row.frame else 1])
    connection.execute(journal.update().where(journal.c.session == session, journal.c.seq == row.seq).values(frame=new))
    return int(row.seq)


def damage_frame(connection: sa.Connection, session: str, rng: random.Random) -> int:
    row = rng.choice(connection.execute(sa.select(frames).where(frames.c.session == session)).all())
    theirs = sa.and_(frames.c.session == session, frames.c.id == row.id)
    connection.execute(frames.update().where(theirs).values(body=row.body[:-1]))
    return int(row.first_seq)


KINDS: tuple[Callable[[sa.Connection, str, random.Random], int], ...] = (
    edit_record,
    edit_recv,
    edit_record_and_mark,
    delete_record,
    insert_record,
    duplicate_record,
    reorder_records,
    turn_a_bit,
    cut_last_block,
    cut_last_records,
    delete_block,
    exchange_blocks,
    take_block_of_another_session,
    append_behind_the_end,
    edit_block_recv,
    edit_block_count,
    edit_block_digest,
    edit_head,
    edit_journal,
    delete_journal_row,
    add_journal_row,
    delete_frame,
    edit_pointer,
    damage_frame,
)
