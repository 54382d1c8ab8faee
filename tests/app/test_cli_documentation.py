"""docs/cli.md has every command and every option, and no others."""

import re
from pathlib import Path

import pytest
from typer.core import TyperGroup, TyperOption
from typer.main import get_command

from app.cli import COMMANDS, application

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "cli.md").read_text()
SECTIONS: dict[str, str] = dict(
    re.findall(r"^### tapeline ([\w-]+)\n(.*?)(?=^##|\Z)", PAGE, re.DOTALL | re.MULTILINE)  # title, body
)
# Explained once for all commands at the head of the page.
COMMON = {"--help", "-h", "--version"}


def test_every_command_has_a_section_and_every_section_a_command() -> None:
    assert set(SECTIONS) == set(COMMANDS)


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_option_is_documented(name: str) -> None:
    group = get_command(application(name))
    assert isinstance(group, TyperGroup)
    parameters = group.commands[name].params
    section = SECTIONS[name]
    for parameter in parameters:
        if isinstance(parameter, TyperOption) and not parameter.hidden:
            for option in {*parameter.opts, *parameter.secondary_opts} - COMMON:
                assert re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", section), f"{name} {option}"
    options = {option for parameter in parameters for option in (*parameter.opts, *parameter.secondary_opts)}
    told = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", section))
    assert told <= options | COMMON, f"documented but not there: {sorted(told - options - COMMON)}"


def test_the_common_options_are_explained() -> None:
    head = PAGE.partition("\n## Running")[0]
    for word in ("--log URL", "SESSION", "--json", "SEQ", "--version", "--help"):
        assert word in head
