"""The guide to a new venue is what there is: its code stands in the example, its commands print what it shows."""

import re
import shlex
from pathlib import Path

import pytest

from tests.command import ROOT, tapeline

PAGE = (ROOT / "docs" / "integration-guide.md").read_text()
EXAMPLE = ROOT / "docs" / "examples" / "pond"
CODE = re.findall(r"```(?:python|toml)\n# (\S+)\n(.*?)```", PAGE, re.DOTALL)
COMMANDS = re.findall(r"```console\n\$ tapeline (.*?)\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize(("file", "code"), CODE, ids=[f"{file} {n}" for n, (file, _) in enumerate(CODE)])
def test_every_block_of_code_stands_in_the_example(file: str, code: str) -> None:
    assert code.rstrip() in (EXAMPLE / file).read_text()


@pytest.mark.parametrize(("words", "printed"), COMMANDS, ids=[words.split(" ")[0] for words, _ in COMMANDS])
def test_every_command_prints_what_the_guide_shows(installed: str, tmp_path: Path, words: str, printed: str) -> None:
    done = tapeline(*shlex.split(words), cwd=tmp_path, PYTHONPATH=installed)
    assert done.returncode == 0, done.stderr
    assert [line.rstrip() for line in done.stdout.splitlines()] == printed.splitlines()


def test_the_guide_speaks_of_all_eight_files() -> None:
    assert len(CODE) > 10
    assert len(COMMANDS) == 2
    told = set(re.findall(r"^\| `(\w+\.py)` \|", PAGE, re.MULTILINE))
    written = {path.name for path in (EXAMPLE / "pond").glob("*.py")}
    assert told == written - {"__init__.py", "conformance.py"}
