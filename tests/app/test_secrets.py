"""Everything that a session leaves behind is searched for key material: files, blocks, frames, output, exports, exceptions."""

import base64
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest
import zstandard

from state.log import Log
from state.record import to_json
from tests.command import all_clean, program, tapeline
from tests.live import KEY, SECRET, VenueThread, config_text
from tests.until import Kinds, tapeline_until

NEEDLES = sorted({
    form
    for word in (KEY, SECRET)
    for form in (
        word.encode(), word[::-1].encode(), quote(word).encode(), json.dumps(word)[1:-1].encode(),
        base64.b64encode(word.encode()).rstrip(b"="), word.encode().hex().encode(), word.encode("utf-16-le"),
    )
})  # fmt: skip


@dataclass(frozen=True)
class Left:
    """What two sessions left: one that traded, one whose keys were refused."""

    folder: Path
    url: str
    output: list[str]


def has_traded(kinds: Kinds) -> bool:
    """Orders, fills, and a market that was long enough in motion to fill some files."""
    return kinds["PlaceOrder"] >= 8 and kinds["Fill"] > 0 and kinds["Trade"] + kinds["BookDelta"] >= 200


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Left:
    folder = tmp_path_factory.mktemp("left")
    url = f"sqlite:///{folder}/log.db"
    keys = folder.parent / "keys.toml"
    keys.write_text(f'key = "{KEY}"\nsecret = "{SECRET}"\n')
    keys.chmod(0o600)
    output: list[str] = []

    def ran(*words: str, code: int = 0, **variables: str) -> None:
        done = tapeline(*words, "--log", url, cwd=folder, **variables)
        assert done.returncode == code, done.stdout + done.stderr
        output.extend((done.stdout, done.stderr))

    def traded(*words: str) -> None:
        done = tapeline_until(has_traded, *words, "--log", url, cwd=folder, url=url)
        assert done.returncode == 0, done.stdout + done.stderr
        output.extend((done.stdout, done.stderr))

    with VenueThread(seed=4) as venue:
        text = config_text(venue, stop="flatten", market_frames=True, key_file=str(keys))
        (folder / "session.toml").write_text(text)
        traded("run", "session.toml")
        traded("run", "session.toml", "--json")
        (folder / "refused.toml").write_text(text.replace('name = "bybit"', f'name = "bybit"\nrecv_window = "{KEY}"'))
        ran("run", "refused.toml", code=2)  # an unknown key, which is named and whose value is not
        # The right key with a secret that the venue does not know: its refusal is recorded too.
        keys.write_text(f'key = "{KEY}"\nsecret = "{SECRET[::-1]}"\n')
        ran("run", "session.toml", code=2)
    (folder / "refused.toml").unlink()
    with Log.open(url) as log:
        session = log.sessions()[0].id
    reading = ["sessions", f"orders {session}", f"events {session} --json", f"state {session}", f"audit {session}",
               f"replay {session} --verify", f"replay {session} --decode --json"]  # fmt: skip
    reading += [f"export {session} --format {form} -o out.{form}" for form in ("jsonl", "csv", "parquet")]
    output.append(all_clean([f"{words} --log {url}" for words in reading], cwd=folder))
    return Left(folder, url, output)


def found_in(body: bytes) -> list[bytes]:
    return [needle for needle in NEEDLES if needle in body]


def test_the_needles_are_found_where_they_are() -> None:
    assert found_in(b"..." + SECRET.encode() + b"...") == [SECRET.encode()]
    assert len(NEEDLES) >= 10


def test_no_file_holds_a_key(left: Left) -> None:
    files = [path for path in left.folder.rglob("*") if path.is_file()]
    assert {"log.db", "out.csv", "out.jsonl", "out.parquet"} <= {path.name for path in files}
    for path in files:
        assert found_in(path.read_bytes()) == [], path.name


def test_no_output_holds_a_key(left: Left) -> None:
    assert sum(map(len, left.output)) > 100_000
    for text in left.output:
        assert found_in(text.encode()) == []


def cells(path: Path) -> Iterator[tuple[str, bytes]]:
    """Every value of every table, those that are compressed also unpacked."""
    with sqlite3.connect(path) as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            for row in database.execute(f"SELECT * FROM {table}"):
                for value in row:
                    body = value if isinstance(value, bytes) else str(value).encode()
                    yield table, body
                    if body[:4] == b"\x28\xb5\x2f\xfd":
                        yield f"{table}, unpacked", zstandard.ZstdDecompressor().decompressobj().decompress(body)
    database.close()


def test_no_value_of_the_log_holds_a_key_packed_or_unpacked(left: Left) -> None:
    seen: dict[str, int] = {}
    for table, body in cells(left.folder / "log.db"):
        seen[table] = seen.get(table, 0) + 1
        assert found_in(body) == [], table
    for table in ("sessions", "blocks, unpacked", "journal", "frames, unpacked", "snapshots, unpacked"):
        assert seen.get(table, 0) > 0, seen


def test_no_record_and_no_frame_holds_a_key_and_signing_frames_are_there_struck_out(left: Left) -> None:
    struck = requests = 0
    with Log.open(left.url) as log:
        for row in log.sessions():
            assert found_in(row.manifest.encode()) == []
            for record in log.records(row.id):
                assert found_in(to_json(record)) == []
            for frame in log.frames(row.id):
                assert found_in(frame.body + frame.url.encode()) == []
                struck += b'"auth"' in frame.body and b"***" in frame.body
                requests += frame.direction == "out" and frame.channel in ("trade", "rest")
    assert struck >= 4, "the private and the trade socket of each session authenticated"
    assert requests > 10


def test_an_exception_of_a_failing_request_holds_no_key(left: Left) -> None:
    """The whole chain of what is raised, as a debugger would print it."""
    code = (
        "import asyncio, sys, traceback\n"
        "from adapters import venue\n"
        "from adapters.base.settings import VenueSettings\n"
        "from state.clock import WallClock\n"
        "from state.secrets import Credentials, Secret\n"
        "class Nobody:\n"
        "    def feed(self, *_): pass\n"
        "async def main():\n"
        "    settings = VenueSettings('bybit', rest_url='http://127.0.0.1:1', private_url='ws://127.0.0.1:1/x')\n"
        f"    keys = Credentials(Secret({KEY!r}), Secret({SECRET!r}))\n"
        "    exchange = venue('bybit').exchange(settings, Nobody(), WallClock(), 's', keys)\n"
        "    try:\n"
        "        await exchange.wallet()\n"
        "    except Exception:\n"
        "        traceback.print_exc(file=sys.stdout)\n"
        "        error = sys.exc_info()[1]\n"
        "        while error is not None:\n"
        "            print(repr(error), error.args, vars(error))\n"
        "            error = error.__cause__ or error.__context__\n"
        "    print(keys, repr(exchange.client), vars(settings) if hasattr(settings, '__dict__') else settings)\n"
        "    await exchange.close()\n"
        "asyncio.run(main())\n"
    )
    ran = program(code, cwd=left.folder)
    assert ran.returncode == 0, ran.stderr
    assert "ConnectionFailed" in ran.stdout
    # The program's own text holds the words; everything else that it prints may not.
    assert found_in("\n".join(line for line in ran.stdout.splitlines() if "Secret(" not in line).encode()) == []
    assert "***" in ran.stdout
