"""The rules of the house that matter, each with its reason: reported like a compiler would."""

import ast
import re
import subprocess
from dataclasses import dataclass
from functools import cache
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


@dataclass(frozen=True)
class Module:
    """What is asked of a source file that is parsed once."""

    path: Path
    says_what_it_is: bool
    functions: list[tuple[int, str, int]]  # where it begins, its name, its lines


@cache
def modules() -> list[Module]:
    return [_parsed(path) for path in sources()]


def _parsed(path: Path) -> Module:
    text = path.read_text()
    module = ast.parse(text)
    functions = [
        (node.lineno, node.name, (node.end_lineno or node.lineno) - node.lineno + 1)
        for node in ast.walk(module)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return Module(path, not text.strip() or ast.get_docstring(module) is not None, functions)


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
    long = [
        f"{module.path}:{line}: error: {name} has {lines} lines"
        for module in modules()
        for line, name, lines in module.functions
        if lines > MOST_FUNCTION_LINES
    ]
    assert long == []


def test_no_file_or_folder_has_a_name_that_says_nothing() -> None:
    empty = [str(path) for path in sources() if EMPTY_WORDS & {part.removesuffix(".py") for part in path.parts[-3:]}]
    assert empty == []


def test_every_module_says_what_lives_in_it() -> None:
    silent = [str(module.path) for module in modules() if not module.says_what_it_is]
    assert silent == []


# Built from parts, so that this file does not speak of them itself.
_HOSTS = ["index-" + "url", "extra-" + "index", "/sim" + "ple/", r"/ro" + r"ot/", r"/wo" + r"rk/"]


@cache
def _places_of_hosts() -> list[tuple[str, str]]:
    """Each word that is somewhere and where, every file read once for all of them."""
    found = []
    for path in tracked(""):
        if path.suffix in (".db", ".tape", ".bin", ".png", ".gz", ".zst"):
            continue
        text = path.read_text(errors="replace")
        for word in _HOSTS:
            if re.search(word, text):
                lines = enumerate(text.splitlines(), start=1)
                found += [(word, f"{path}:{number}") for number, line in lines if re.search(word, line)]
    return found


@pytest.mark.parametrize("word", _HOSTS)
def test_no_file_names_a_package_host_or_a_path_of_some_machine(word: str) -> None:
    assert [place for named, place in _places_of_hosts() if named == word] == []


def test_constraints_are_names_versions_and_hashes_only() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    odd = [
        line for line in lines if not re.match(r"#|\S+==\S+( ; .*)? \\$|\S+==\S+|    --hash=sha256:[0-9a-f]{64}", line)
    ]
    assert odd == []
