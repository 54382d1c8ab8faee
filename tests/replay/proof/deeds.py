"""What can be done to a session, by three hands.

A *careless* hand changes one thing where it is stored. A *careful* one then puts right every mark, digest, count, journal row
and the session's row, so that the log agrees with itself; it cannot undo the checkpoints. A *perfect* one makes those anew too.
Each deed returns the record that it has happened at.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import sqlalchemy as sa

from replay.proof.checkpoints import checkpoint
from replay.proof.keys import Signer
from state.log import Log
from state.log.checkpoint import SignedCheckpoint
from state.log.checkpoint_rows import checkpoint_row
from state.log.codec import Press, expand
from state.log.schema import blocks, checkpoints, frames, journal, sessions, snapshots
from state.record import Frame, Record
from tests.state.log import damage
from tests.state.log.recorded import EVERY, frame_of

TABLES = (sessions, blocks, journal, frames, snapshots, checkpoints)
LENGTH = 75
EVERY_RECORDS = 16


def interval(seq: int) -> int:
    """The first record that the checkpoint over `seq` covers and the one before does not."""
    return (min(seq, LENGTH) - 1) // EVERY_RECORDS * EVERY_RECORDS + 1


Careless: TypeAlias = Callable[[sa.Connection, str, random.Random], int]
Change: TypeAlias = Callable[["Story", random.Random], int]

press = Press().press


class Victim:
    """A log with two sessions, and the means to falsify one and to put it back."""

    def __init__(self, log: Log, engine: sa.Engine) -> None:
        self.log = log
        self.engine = engine
        with engine.connect() as connection:
            self._before = {table.name: connection.execute(sa.select(table)).all() for table in TABLES}

    def restore(self) -> None:
        with self.engine.begin() as connection:
            for table in TABLES:
                connection.execute(table.delete())
                if self._before[table.name]:
                    connection.execute(table.insert(), [dict(row._mapping) for row in self._before[table.name]])


# --- a careless hand ---


def edit_manifest(connection: sa.Connection, session: str, rng: random.Random) -> int:
    column = rng.choice(["manifest", "opened", "parent"])
    value = {"manifest": f'{{"code":"{rng.random()}"}}', "opened": rng.randrange(10**18), "parent": f"p-{rng.random()}"}
    connection.execute(sessions.update().where(sessions.c.id == session).values({column: value[column]}))
    return 1


def swap_session(connection: sa.Connection, session: str, rng: random.Random) -> int:
    """Everything of another session under this one's name; its row too, where chance wants it so."""
    swapped = [blocks, journal, frames, *rng.sample([sessions, checkpoints], rng.randrange(3))]
    for table in swapped:
        name = table.c.id if table is sessions else table.c.session
        connection.execute(table.delete().where(name == session))
        rows = [dict(row._mapping) for row in connection.execute(sa.select(table).where(name == "other"))]
        connection.execute(table.insert(), [row | {name.name: session} for row in rows])
    return 1


def edit_frame(connection: sa.Connection, session: str, rng: random.Random) -> int:
    row = rng.choice(connection.execute(sa.select(frames).where(frames.c.session == session)).all())
    theirs = sa.and_(frames.c.session == session, frames.c.id == row.id)
    body = expand(row.body)
    at = rng.randrange(len(body))
    turned = body[:at] + bytes([body[at] ^ 1 << rng.randrange(8)]) + body[at + 1 :]
    change: dict[str, object] = rng.choice(
        [{"body": press(turned)}, {"recv": row.recv + 1}, {"venue": "elsewhere"}, {"private": not row.private}]
    )
    connection.execute(frames.update().where(theirs).values(change))
    return int(row.first_seq)


def delete_last_frame(connection: sa.Connection, session: str, rng: random.Random) -> int:
    last = connection.scalar(sa.select(sa.func.max(frames.c.id)).where(frames.c.session == session))
    row = connection.execute(sa.select(frames).where(frames.c.session == session, frames.c.id == last)).one()
    connection.execute(frames.delete().where(frames.c.session == session, frames.c.id == last))
    pointed = connection.scalar(
        sa.select(sa.func.count()).where(journal.c.session == session, journal.c.seq == row.first_seq)
    )
    # No journal row points to a market frame: only the checkpoint over it tells, to within its interval.
    return int(row.first_seq) if pointed else interval(row.first_seq)


CARELESS: dict[str, tuple[Careless, ...]] = {
    "edit": (damage.edit_record, damage.edit_record_and_mark, damage.turn_a_bit),
    "delete": (damage.delete_record, damage.delete_block),
    "insert": (damage.insert_record, damage.append_behind_the_end),
    "reorder": (damage.reorder_records, damage.exchange_blocks),
    "duplicate": (damage.duplicate_record,),
    "cut-off tail": (damage.cut_last_records, damage.cut_last_block),
    "changed clock": (damage.edit_recv, damage.edit_block_recv),
    "changed manifest": (edit_manifest,),
    "swapped session": (swap_session, damage.take_block_of_another_session),
    "journal differs": (damage.edit_journal, damage.delete_journal_row, damage.add_journal_row, damage.edit_pointer),
    "frame differs": (edit_frame, damage.delete_frame, delete_last_frame, damage.damage_frame),
}


# --- a careful and a perfect hand ---


@dataclass
class Story:
    """A session as somebody would like it to have been."""

    records: list[Record]
    frames: dict[int, Frame]  # by the seq that was read from it
    manifest: str
    opened: int


def edit(story: Story, rng: random.Random) -> int:
    at = rng.randrange(1, len(story.records))
    old = story.records[at]
    event = rng.choice([event for event in EVERY if event != old.event])
    story.records[at] = Record(old.seq, old.recv, old.cause, event)
    return old.seq


def delete(story: Story, rng: random.Random) -> int:
    at = rng.randrange(1, len(story.records))
    del story.records[at]
    return at + 1


def insert(story: Story, rng: random.Random) -> int:
    at = rng.randrange(1, len(story.records))
    story.records.insert(at, Record(0, story.records[at].recv, 0, rng.choice(EVERY)))
    return at + 1


def reorder(story: Story, rng: random.Random) -> int:
    one, other = sorted(rng.sample(range(1, len(story.records)), 2))
    story.records[one], story.records[other] = story.records[other], story.records[one]
    return one + 1


def duplicate(story: Story, rng: random.Random) -> int:
    at = rng.randrange(1, len(story.records))
    story.records.insert(at, story.records[at])
    return at + 2


def cut_tail(story: Story, rng: random.Random) -> int:
    keep = rng.randrange(1, len(story.records))
    del story.records[keep:]
    return keep + 1


def change_clock(story: Story, rng: random.Random) -> int:
    at = rng.randrange(len(story.records))
    old = story.records[at]
    story.records[at] = Record(old.seq, old.recv + rng.choice([-1, 1]) * rng.randrange(1, 10**9), old.cause, old.event)
    return old.seq


def change_manifest(story: Story, rng: random.Random) -> int:
    story.manifest = f'{{"code":"{rng.random()}"}}'
    return 1


def change_opening(story: Story, rng: random.Random) -> int:
    story.opened -= rng.randrange(1, 10**9)
    return 1


def change_frame(story: Story, rng: random.Random) -> int:
    seq = rng.choice(list(story.frames))
    old = story.frames[seq]
    story.frames[seq] = Frame(old.recv, old.venue, old.channel, old.direction, old.body + b" ", old.url, old.private)
    return seq


FORGED: dict[str, tuple[Change, ...]] = {
    "edit": (edit,),
    "delete": (delete,),
    "insert": (insert,),
    "reorder": (reorder,),
    "duplicate": (duplicate,),
    "cut-off tail": (cut_tail,),
    "changed clock": (change_clock,),
    "changed manifest": (change_manifest, change_opening),
    "frame differs": (change_frame,),
}


def forge(
    victim: Victim, session: str, change: Change, rng: random.Random, *, signer: Signer | None, perfect: bool
) -> int:
    """Writes the whole session again with one thing changed: the log agrees with itself in everything."""
    row = victim.log.find(session)
    records = list(victim.log.records(session))
    story = Story(
        records, {seq: frame_of(records[seq - 1]) for seq in range(5, len(records) + 1, 5)}, row.manifest, row.opened
    )
    at = change(story, rng)
    before = victim.log.checkpoints(session)
    with victim.engine.begin() as connection:
        for table in TABLES:
            connection.execute(table.delete().where((table.c.id if table is sessions else table.c.session) == session))
    writer = victim.log.begin(session, story.manifest, story.opened, block_size=12)
    for seq, record in enumerate(story.records, start=1):
        writer.append(Record(seq, record.recv, min(record.cause, seq), record.event), story.frames.get(seq))
    assert row.closed is not None
    writer.close(row.closed)
    if perfect:
        checkpoint(victim.log, session, signer=signer, every=EVERY_RECORDS)
    else:
        put_back(victim, session, before)
    return at


def put_back(victim: Victim, session: str, before: Sequence[SignedCheckpoint]) -> None:
    """The checkpoints as they were."""
    with victim.engine.begin() as connection:
        connection.execute(checkpoints.delete().where(checkpoints.c.session == session))
        names = [column.name for column in checkpoints.columns]
        rows = [dict(zip(names, checkpoint_row(signed), strict=True)) for signed in before]
        connection.execute(checkpoints.insert(), rows)
