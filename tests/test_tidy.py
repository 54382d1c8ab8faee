"""The rules of the house that matter, each with its reason: reported like a compiler would."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("state", "streams", "adapters", "replay", "app")
MOST_LINES = 400  # past that, a noun hides in the file
ONE_FILE = {"verify_tape.py": 500}  # is carried about alone
MOST_FUNCTION_LINES = 60
MOST_VENUE_LINES = 1_800  # of a venue's folder without `conformance.py`, which declares it to the suite
NO_VENUES = {"base", "conformance", "loopback", "paper"}  # folders that are beside the venues'
EMPTY_WORDS = {"utils", "util", "helpers", "helper", "manager", "managers", "data", "info", "misc", "common"}


def tracked(*suffixes: str) -> list[Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    return [ROOT / name for name in listed if name.endswith(suffixes) and (ROOT / name).is_file()]


def sources() -> list[Path]:
    return [path for path in tracked(".py") if path.relative_to(ROOT).parts[0] in ROOMS]


def test_no_source_file_is_too_long_to_have_one_reason() -> None:
    long = [
        f"{path}:{lines}"
        for path in sources()
        if (lines := len(path.read_text().splitlines())) > ONE_FILE.get(path.name, MOST_LINES)
    ]
    assert long == []


def test_no_venue_takes_more_than_its_share() -> None:
    """What a venue needs beyond that is a seam that others need too, and belongs to the base."""
    lines: dict[str, int] = {}
    for path in sources():
        room, venue, *rest = path.relative_to(ROOT).parts
        if room == "adapters" and rest and venue not in NO_VENUES and rest != ["conformance.py"]:
            lines[venue] = lines.get(venue, 0) + len(path.read_text().splitlines())
    assert {"binance", "bybit", "dydx", "hyperliquid", "okx"} <= lines.keys()
    assert {venue: count for venue, count in lines.items() if count > MOST_VENUE_LINES} == {}


def test_no_function_is_too_long_to_be_seen_at_once() -> None:
    long = []
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > MOST_FUNCTION_LINES:
                    long.append(f"{path}:{node.lineno}: error: {node.name} has {lines} lines")
    assert long == []


def test_no_file_or_folder_has_a_name_that_says_nothing() -> None:
    empty = [str(path) for path in sources() if EMPTY_WORDS & {part.removesuffix(".py") for part in path.parts[-3:]}]
    assert empty == []


def test_every_module_says_what_lives_in_it() -> None:
    silent = []
    for path in sources():
        text = path.read_text()
        if text.strip() and ast.get_docstring(ast.parse(text)) is None:
            silent.append(str(path))
    assert silent == []


# Built from parts, so that this file does not speak of them itself.
_HOSTS = ["index-" + "url", "extra-" + "index", "/sim" + "ple/", r"/ro" + r"ot/", r"/wo" + r"rk/"]


@pytest.mark.parametrize("word", _HOSTS)
def test_no_file_names_a_package_host_or_a_path_of_some_machine(word: str) -> None:
    found = [
        f"{path}:{number}"
        for path in tracked("")
        if path.suffix not in (".db", ".tape", ".bin", ".png", ".gz", ".zst")
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), start=1)
        if re.search(word, line)
    ]
    assert found == []


def test_constraints_are_names_versions_and_hashes_only() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    odd = [
        line for line in lines if not re.match(r"#|\S+==\S+( ; .*)? \\$|\S+==\S+|    --hash=sha256:[0-9a-f]{64}", line)
    ]
    assert odd == []
