"""The causal tree of a fill, an order or any record: what `tapeline why` shows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import msgspec

from replay.rebuild import rebuild
from replay.why.causes import Records, chain, root_of
from replay.why.facts import Configuration, Explanation, FrameFact, Node, frame_fact, node, value_fact
from replay.why.verdicts import limits_of, messages_before, verdicts
from state.errors import WrongUse
from state.events import (
    Accepted,
    AmendOrder,
    Blocked,
    CancelAll,
    CancelOrder,
    Fill,
    PlaceOrder,
    Rejected,
    Unknown,
    is_derived,
)
from state.log import JournalRow, Log, SessionRow
from state.manifest import Manifest
from state.record import Record
from streams.trace import Heard

_OUTCOMES = (Accepted, Rejected, Unknown)
_INTENTS = (PlaceOrder, AmendOrder, CancelOrder, CancelAll)


@dataclass(slots=True)
class Story:
    """All records of one order, in order; `client_id` is empty for one that was not placed by us."""

    client_id: str
    order_ids: set[str]
    records: list[Record] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.client_id or " ".join(sorted(self.order_ids))

    def of(self, *kinds: type) -> Iterator[Record]:
        return (record for record in self.records if isinstance(record.event, kinds))


@dataclass(frozen=True, slots=True)
class Subject:
    """What was asked about: a record, and the order that it belongs to, if any."""

    record: Record
    story: Story | None

    def decisions(self) -> list[int]:
        """The seqs of the decisions whose operators' values the tree will show."""
        found = [] if self.story is None else [record.seq for record in self.story.of(*_INTENTS, Blocked)]
        record = self.record
        if isinstance(record.event, (*_INTENTS, Blocked)):
            found.append(record.seq)
        elif isinstance(record.event, _OUTCOMES) and record.cause:
            found.append(record.cause)
        return sorted(set(found))


class Why:
    """Answers about one session; `heard` is what a traced run found at decisions, empty where none was run."""

    def __init__(self, log: Log, row: SessionRow, heard: Mapping[int, tuple[Heard, ...]] | None = None) -> None:
        self.heard = heard if heard is not None else {}
        self._log = log
        self._row = row
        self._manifest = Manifest.parse(row.manifest)
        self._records = Records(log, row.id)

    # --- what is meant ---

    def find(self, word: str) -> Subject:
        """A seq, a client order id, an order id or a fill id; `fill:`, `order:` or `seq:` before it says which.

        Raises `WrongUse` where nothing in the session is called so.
        """
        kind, colon, name = word.partition(":")
        if colon and kind in ("fill", "order", "seq"):
            word = name
        else:
            kind = ""
        if kind in ("", "seq") and word.isascii() and word.isdigit() and 1 <= int(word) <= self._row.last_seq:
            return self._subject(self._records.at(int(word)))
        if kind in ("", "order"):
            story = self._story(word)
            if story.records:
                return Subject(next(story.of(PlaceOrder), story.records[0]), story)
        if kind in ("", "fill"):
            for row in self._log.journal(self._row.id, types=("Fill",)):
                record = self._records.at(row.seq) if f'"{word}"' in row.payload else None
                if record is not None and isinstance(record.event, Fill) and record.event.fill_id == word:
                    return self._subject(record)
        what = {"fill": "fill", "order": "order", "seq": "record"}.get(kind, "record, order or fill")
        raise WrongUse(f"session {self._row.id} has no {what} {word!r}; its records are 1 to {self._row.last_seq}")

    def _subject(self, record: Record) -> Subject:
        event = record.event
        name = getattr(event, "client_id", None) or getattr(event, "order_id", None)
        story = self._story(name) if name and not isinstance(event, Blocked) else None
        return Subject(record, story)

    def _story(self, name: str) -> Story:
        """What is known of an order by either of its ids."""
        rows = list(self._log.journal(self._row.id, client_id=name))
        story = Story(name if rows else "", {row.order_id for row in rows if row.order_id})
        if not rows:
            rows = [row for row in self._log.journal(self._row.id, types=_NAMED) if row.order_id == name]
            story.order_ids.add(name)
            client_id = next((row.client_id for row in rows if row.client_id), None)
            if client_id is not None:
                return self._story(client_id)
        else:
            fills = self._log.journal(self._row.id, types=("Fill",))
            rows += [row for row in fills if not row.client_id and row.order_id in story.order_ids]
        for row in sorted(rows, key=_seq_of):
            story.records.append(self._records.at(row.seq))
        return story

    # --- the answer ---

    def explain(self, asked: str, subject: Subject) -> Explanation:
        """The tree of the subject, with the root of its causes and what was in force."""
        record, story = subject.record, subject.story
        event = record.event
        if isinstance(event, Fill):
            tree, decided = self._fill(record, story)
        elif isinstance(event, (*_INTENTS, Blocked)) and (story is None or not isinstance(event, PlaceOrder)):
            tree, decided = self._intent(record), record
        elif story is not None:
            tree, decided = self._order(story)
        else:
            tree, decided = self._other(record), record
        root = root_of(self._records, decided, self.heard.get(decided.seq, ()))
        answer = Explanation(self._row.id, asked, root, tree, self._configuration(decided))
        strategy = getattr(decided.event, "strategy", "")
        is_known = any(entry.name == strategy for entry in self._manifest.strategies)
        if is_known and decided.seq not in self.heard:
            answer.notes.append("the operators' values are not known: the strategies were not run again up to here")
        if isinstance(event, Fill) and story is None:
            answer.notes.append("no order of this session is behind this fill")
        return answer

    def _fill(self, record: Record, story: Story | None) -> tuple[Node, Record]:
        found = self._read("fill", record)
        event = record.event
        assert isinstance(event, Fill)
        if story is None:
            return found, record
        found.children.append(self._standing(story, record))
        placed = next(story.of(PlaceOrder), None)
        if placed is None:
            return found, record
        in_force = placed
        accepted = {answer.cause for answer in story.of(Accepted) if answer.seq <= record.seq}
        for amend in story.of(AmendOrder):
            if amend.seq < record.seq and (amend.seq in accepted or amend.event.price == event.price):  # type: ignore[union-attr]
                in_force = amend
        for intent in story.of(PlaceOrder, AmendOrder):
            if intent.seq in (placed.seq, in_force.seq):
                found.children.append(self._intent(intent))
            elif intent.seq < record.seq:
                found.children.append(node("amended", intent))
        found.after_ns = record.recv - in_force.recv
        return found, in_force

    def _order(self, story: Story) -> tuple[Node, Record]:
        last = story.records[-1]
        found = Node("order", story.records[0].seq, story.records[0].recv, f"order {story.name}")
        found.children.append(self._standing(story, last))
        decided = story.records[0]
        for record in story.records:
            if isinstance(record.event, _INTENTS):
                found.children.append(self._intent(record))
                decided = decided if isinstance(decided.event, PlaceOrder) else record
            elif not isinstance(record.event, _OUTCOMES):
                found.children.append(self._read("fill" if isinstance(record.event, Fill) else "told", record))
        return found, decided

    def _standing(self, story: Story, at: Record) -> Node:
        """The order as it stood after a record."""
        shared = rebuild(self._log, self._row.id, at.seq)
        orders = shared.account(at.event.venue).orders
        ids = (orders.by_order_id(order_id) for order_id in sorted(story.order_ids))
        order = orders.get(story.client_id) or next((found for found in ids if found is not None), None)
        if order is None:
            return Node("order", at.seq, at.recv, f"order {story.name}: not known any more")
        text = (
            f"order {order.client_id or order.order_id}: {order.side} {order.size:f} {order.symbol} at "
            f"{'market' if order.price is None else format(order.price, 'f')} {order.tif}, {order.status}, "
            f"filled {order.filled:f}"
        )
        if order.label:
            text += f", {order.strategy} {order.label}"
        return Node("order", at.seq, at.recv, text)

    def _intent(self, record: Record) -> Node:
        """A decision with what it follows from, what the operators had said, what limits there were, and its way out."""
        found = node("blocked" if isinstance(record.event, Blocked) else "intent", record)
        before = chain(self._records, record)
        if before is not None:
            found.children.append(before)
            found.after_ns = record.recv - before.at
            self._with_frame(before)
        strategy = getattr(record.event, "strategy", "")
        found.values = [value_fact(heard) for heard in self.heard.get(record.seq, ())]
        limits = limits_of(self._manifest, strategy)
        shared = rebuild(self._log, self._row.id, record.seq - 1)
        messages = messages_before(self._log, self._row.id, record, strategy)
        found.verdicts = verdicts(shared, record, limits, messages)
        answer = self._answer(record)
        found.sent = self._sent(record, answer)
        if answer is not None:
            after = self._read("answer", answer)
            after.after_ns = answer.recv - record.recv
            found.children.append(after)
        return found

    def _answer(self, intent: Record) -> Record | None:
        client_id = getattr(intent.event, "client_id", None) or None
        rows = self._log.journal(self._row.id, types=_ANSWERS, client_id=client_id, first=intent.seq + 1)
        row = next((row for row in rows if row.cause == intent.seq), None)
        return None if row is None else self._records.at(row.seq)

    def _sent(self, intent: Record, answer: Record | None) -> FrameFact | None:
        """The frame in which an intent left: the first after it that names its order."""
        client_id = getattr(intent.event, "client_id", "")
        if not client_id or isinstance(intent.event, Blocked):
            return None
        until = answer.recv if answer is not None else None
        with self._log.reading() as reader:
            for stored in reader.sent_frames(self._row.id, intent.event.venue, intent.recv, until):
                if client_id.encode() in stored.body or client_id in stored.url:
                    return frame_fact(stored)
        return None

    def _other(self, record: Record) -> Node:
        found = self._read("input" if not is_derived(record.event) else "decision", record)
        before = chain(self._records, record)
        if before is not None:
            found.children.append(before)
            self._with_frame(before)
        return found

    def _read(self, what: str, record: Record) -> Node:
        found = node(what, record)
        found.frame = self._frame(record.seq)
        return found

    def _frame(self, seq: int) -> FrameFact | None:
        with self._log.reading() as reader:
            stored = reader.frame_of(self._row.id, seq)
        return None if stored is None else frame_fact(stored)

    def _with_frame(self, found: Node) -> None:
        """The frame of the input at which a chain ends."""
        while found.children:
            found = found.children[0]
        found.frame = self._frame(found.seq)

    def _configuration(self, decided: Record) -> Configuration:
        manifest = self._manifest
        strategy = getattr(decided.event, "strategy", "")
        entry = next((entry for entry in manifest.strategies if entry.name == strategy), None)
        return Configuration(
            strategy=msgspec.Raw(b"null" if entry is None else msgspec.json.encode(entry)),
            risk=manifest.risk,
            seed=manifest.seed,
            source=manifest.source,
            tapeline=manifest.tapeline,
            python=manifest.python,
            packages=manifest.packages,
        )


_ANSWERS = ("Accepted", "Rejected", "Unknown")
_NAMED = ("OrderUpdate", "Fill", "Accepted")


def _seq_of(row: JournalRow) -> int:
    return row.seq
