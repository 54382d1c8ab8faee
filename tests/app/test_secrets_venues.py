"""What a session leaves on each venue, searched for its keys: log, frames, records, and what is printed of them.

Bybit's, with its exports and its exceptions, is searched in `test_secrets.py`. An address is no secret: of a wallet, its key is.
"""

import base64
from pathlib import Path

import pytest

from app.session import LiveSession
from state.events import Accepted
from state.log import Log
from state.record import to_json
from tests.app.test_secrets import cells
from tests.command import all_clean
from tests.live import OWN_KEYS, PASSPHRASE, VenueThread, keys_of, record_live, tight_plain


def needles(venue: str) -> list[bytes]:
    """The key material in the forms that it might be written in."""
    key, secret = keys_of(venue)
    words = [secret] if venue in OWN_KEYS else [key, secret, PASSPHRASE]
    forms = [form for word in words for form in (word.encode(), word[::-1].encode(), base64.b64encode(word.encode()))]
    bare = secret.removeprefix("0x")
    if venue in OWN_KEYS and all(letter in "0123456789abcdef" for letter in bare):
        forms += [bare.encode(), bare.upper().encode(), bytes.fromhex(bare), base64.b64encode(bytes.fromhex(bare))]
    return forms


def has_ordered(session: LiveSession) -> bool:
    return any(
        account.orders.working() or account.orders.ended() for account in session.pipeline.shared.accounts.values()
    )


@pytest.mark.parametrize("name", ["binance", "okx", "hyperliquid", "dydx"])
def test_nothing_that_a_session_leaves_holds_its_keys(name: str, tmp_path: Path) -> None:
    url, sought, accepted, sent = f"sqlite:///{tmp_path}/log.db", needles(name), 0, 0

    def found_in(body: bytes) -> list[bytes]:
        return [needle for needle in sought if needle in body]

    with VenueThread(name, seed=4) as venue:
        record_live(url, venue, tight_plain(name), for_s=20, stop="leave", market_frames=True, until=has_ordered)
    with Log.open(url) as log:
        (row,) = log.sessions()
        assert found_in(row.manifest.encode()) == []
        for record in log.records(row.id):
            accepted += isinstance(record.event, Accepted)
            assert found_in(to_json(record)) == []
        for frame in log.frames(row.id):
            sent += frame.direction == "out"
            assert found_in(frame.body + frame.url.encode()) == []
    assert accepted, "it signed orders that the venue took"
    assert sent
    printed = all_clean(
        [
            f"{words} --log {url}"
            for words in (f"events {row.id} --json", f"export {row.id} --format jsonl -o out.jsonl")
        ],
        cwd=tmp_path,
    )
    assert found_in(printed.encode()) == []
    for table, body in cells(tmp_path / "log.db"):
        assert found_in(body) == [], table
    for path in tmp_path.iterdir():
        assert not path.is_file() or found_in(path.read_bytes()) == [], path.name
