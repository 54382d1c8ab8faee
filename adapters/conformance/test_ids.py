"""Client order ids: a function of session and intent, in the venue's alphabet and length, and readable back."""

import random
import re
from importlib import import_module

import pytest

from adapters import Venue, order_ids, venues
from adapters.base.orderid import MAX_SEQ, OrderID
from adapters.conformance.stage import Play, Stage
from adapters.conformance.subject import Subject
from state.errors import WrongUse

pytestmark = pytest.mark.needs("orders")
CASES = 2_000
EDGES = (1, 2, 255, 256, 65_535, 65_536, 2**31 - 1, 2**31, MAX_SEQ - 1, MAX_SEQ)


@pytest.fixture(scope="module")
def ids_of(found: Venue) -> type[OrderID]:
    """The venue's own ids of a session."""
    kind: type[OrderID] = import_module(f"{venues()[found.name][0]}.orderid").OrderID
    return kind


def sessions_and_seqs() -> list[tuple[str, int]]:
    """Sessions of every spelling and seqs over all magnitudes, the same in every run."""
    chance = random.Random("client order ids")  # noqa: S311 - reproducible on purpose
    words = ["", "20261127-070000-1a2b", "ü" * 60, "a" * 300, "\x00"]
    drawn = [
        (chance.choice(words) + str(chance.getrandbits(40)), chance.getrandbits(chance.randint(1, 32)))
        for _ in range(CASES)
    ]
    return [(word, seq) for word in words for seq in EDGES] + [(word, max(seq, 1)) for word, seq in drawn]


def test_alphabet_and_length(ids_of: type[OrderID], subject: Subject) -> None:
    """Every id, up to the last seq there is, is of the venue's alphabet and length."""
    assert subject.id_alphabet, "declare the alphabet"
    assert subject.id_length, "declare the length"
    for session, seq in sessions_and_seqs():
        client_id = ids_of(session).make(seq)
        assert re.fullmatch(subject.id_alphabet, client_id), client_id
        assert len(client_id) <= subject.id_length, client_id


def test_readable_back(found: Venue, ids_of: type[OrderID]) -> None:
    """Every id gives back its seq in its own session, and is the same each time."""
    for session, seq in sessions_and_seqs():
        client_id = ids_of(session).make(seq)
        assert ids_of(session).make(seq) == client_id
        assert ids_of(session).parse(client_id) == seq
    assert order_ids("a session")(found.name, 7) == ids_of("a session").make(7), "found by the venue's name"


def test_unlike(ids_of: type[OrderID]) -> None:
    """No two intents of a session share an id, and another session's ids, or a stranger's, are not taken for ours."""
    ours, others = ids_of("one"), ids_of("two")
    ids = [ours.make(seq) for seq in (*range(1, 3_000), *EDGES[-2:])]
    assert len(set(ids)) == len(ids)
    assert {others.parse(client_id) for client_id in ids} == {None}
    for stranger in ("", "x", "manual-1", ids[0] + "0", ids[0][:-1], ids[0].upper() + "!", "0" * 36, "é" * 17):
        assert ours.parse(stranger) is None


def test_past_the_last(ids_of: type[OrderID]) -> None:
    """A seq that no id can hold is refused at the call."""
    ids = ids_of("a session")
    for seq in (0, -1, MAX_SEQ + 1):
        with pytest.raises(WrongUse):
            ids.make(seq)


def test_taken_by_the_venue(play: Play) -> None:
    """The first and the last id there is are taken by the venue and told back with the order."""

    async def story(on: Stage) -> None:
        for steps, seq in enumerate((1, MAX_SEQ)):
            order = on.order(on.away(steps=steps))
            values = {name: getattr(order, name) for name in order.__struct_fields__}
            client_id = on.exchange.order_ids.make(seq)
            await on.rest(type(order)(**values | {"client_id": client_id}))
            assert client_id in on.truth.open_orders
        await on.agrees()

    play(story)
