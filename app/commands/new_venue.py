"""`tapeline new-venue`: the folder of an adapter, with the questions to answer."""

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from adapters import blank, venues
from app.options import JsonOption, UnreadLogOption
from app.output import print_json, print_lines
from state.errors import WrongUse

FILES: Final = (
    "__init__.py", "types.py", "orderid.py", "endpoints.py", "wire.py", "client.py", "formats.py", "websocket.py",
    "exchange.py", "conformance.py",
)  # fmt: skip
_DISTRIBUTION: Final = """[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "tapeline-{name}"
version = "0.1"
requires-python = ">=3.11"
dependencies = ["tapeline"]

[project.entry-points."tapeline.venues"]
{name} = "{name}"

[tool.setuptools]
packages = ["{name}"]
"""
_question = re.compile(r"# \? (.+)").search


class NewVenueFact(msgspec.Struct):
    """What was written, and what is asked: file and question."""

    folder: str
    files: list[str]
    questions: list[tuple[str, str]]


def new_venue(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the venue and its package.", show_default=False)],
    into: Annotated[Path, typer.Option("--into", metavar="FOLDER", help="Where the folder NAME is made.")] = Path(),
    log: UnreadLogOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the folder of a new adapter: eight files and a declaration, with the questions to answer."""
    folder = into / name
    _check(name, folder)
    package = folder / name
    package.mkdir(parents=True)
    (folder / "pyproject.toml").write_text(_DISTRIBUTION.format(name=name))
    questions = []
    for file in FILES:
        text = _named((Path(blank.__path__[0]) / file).read_text(), name)
        (package / file).write_text(text)
        questions += [(file, found[1]) for line in text.splitlines() if (found := _question(line))]
    files = ["pyproject.toml", *(f"{name}/{file}" for file in FILES)]
    if as_json:
        print_json(NewVenueFact(str(folder), files, questions))
        return
    said = [
        f"{folder}: {len(files)} files, {len(questions)} questions",
        *(f"  {file}: {text}" for file, text in questions),
    ]
    said += ["next:", f"  pip install --editable {folder}", f"  tapeline conformance {name}"]
    print_lines(line.encode() for line in said)


def _check(name: str, folder: Path) -> None:
    """Raises `WrongUse` for a name that is taken or is none."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise WrongUse(f"a venue's name is a word of a-z, 0-9 and _, not {name!r}")
    if folder.exists():
        raise WrongUse(f"{folder} is there already")
    if name in venues() or find_spec(name) is not None:
        raise WrongUse(f"{name!r} is taken: there is a venue or a package of that name")


def _named(text: str, name: str) -> str:
    """The file of that venue; its imports of ours come after its own, in the order of their names."""
    text = text.replace("adapters.blank", name).replace("Blank:", f"{name.capitalize()}:")
    return text.replace("Blank", name.capitalize()).replace("blank", name)
