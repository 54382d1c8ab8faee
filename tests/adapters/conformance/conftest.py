"""The venue of the guide, installed as its author's users would install it."""

import os
import shutil
import subprocess
import sys

import pytest

from tests.command import ROOT

SOURCE = ROOT / "docs" / "examples" / "pond"


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where to import from, once the distribution was built and installed as its author's users would."""
    source, target = tmp_path_factory.mktemp("source") / "pond", tmp_path_factory.mktemp("installed")
    shutil.copytree(SOURCE, source)
    words = ["install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([sys.executable, "-m", "pip", *words, "--target", str(target), str(source)], check=True)
    return os.pathsep.join((str(ROOT), str(target)))
