"""`tapeline new-venue`: a folder that can be imported at once, and that says loudly what is missing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command import ROOT, environment, program, tapeline

FILES = ["types", "orderid", "endpoints", "wire", "client", "formats", "websocket", "exchange"]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    into = tmp_path_factory.mktemp("venues")
    done = tapeline("new-venue", "acme", "--into", str(into), "--json", cwd=into)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["folder"] == str(into / "acme")
    assert {f"acme/{name}.py" for name in FILES} < set(said["files"])
    assert all((into / "acme" / file).is_file() for file in said["files"])
    assert {file.removesuffix(".py") for file, _ in said["questions"]} == {*FILES, "conformance"}, "each file asks"
    return into / "acme"


@pytest.fixture(scope="module")
def installed(written: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    target = tmp_path_factory.mktemp("installed")
    words = ["install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([sys.executable, "-m", "pip", *words, "--target", str(target), str(written)], check=True)
    return os.pathsep.join((str(ROOT), str(target)))


def test_every_file_can_be_imported_and_speaks_of_no_other_name(written: Path) -> None:
    for path in written.rglob("*.py"):
        assert "blank" not in path.read_text().lower(), path
    code = "from importlib import import_module\n" + "\n".join(f"import_module('acme.{name}')" for name in FILES)
    ran = program(code, cwd=ROOT, PYTHONPATH=os.pathsep.join((str(ROOT), str(written))))
    assert ran.returncode == 0, ran.stderr


def test_it_is_a_venue_and_says_what_is_missing_when_it_is_used(installed: str, tmp_path: Path) -> None:
    assert "acme" in tapeline("venues", cwd=tmp_path, PYTHONPATH=installed).stdout
    done = tapeline("request", "acme", "place", "{}", cwd=tmp_path, PYTHONPATH=installed)
    assert done.returncode == 2
    assert "acme has no action 'place'" in done.stderr


def test_the_contract_tells_what_is_still_wrong(installed: str, tmp_path: Path) -> None:
    parts = ("--part", "subscriptions", "--part", "frames", "--part", "ids")
    done = tapeline("conformance", "acme", "--json", *parts, cwd=tmp_path, PYTHONPATH=installed)
    assert done.returncode == 1, done.stderr
    whys = {case["why"] for case in json.loads(done.stdout) if case["result"] == "failed"}
    assert any("acme, not answered yet: websocket.topic_of" in why for why in whys)
    assert any("the loopback venue is not written" in why for why in whys)
    assert any("declare the alphabet" in why for why in whys)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        pytest.param("Acme!", "is a word", id="a name that is none"),
        pytest.param("bybit", "is taken", id="a venue of ours"),
        pytest.param("json", "is taken", id="a package"),
        pytest.param("there", "is there already", id="a folder that is there"),
    ],
)
def test_it_writes_over_nothing(tmp_path: Path, name: str, why: str) -> None:
    (tmp_path / "there").mkdir()
    done = tapeline("new-venue", name, cwd=tmp_path)
    assert done.returncode == 2
    assert why in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["there"]


@pytest.mark.skipif("TAPELINE_TYPES" not in os.environ, reason="half a minute of mypy: make types")
def test_what_it_writes_has_sound_types(written: Path) -> None:
    words = ["--strict", "--follow-imports=silent", "--config-file", "", str(written / "acme")]
    kept = environment(MYPYPATH=os.pathsep.join((str(ROOT), str(written))))
    done = subprocess.run([sys.executable, "-m", "mypy", *words], cwd=ROOT, env=kept, text=True, capture_output=True)
    assert done.returncode == 0, done.stdout
