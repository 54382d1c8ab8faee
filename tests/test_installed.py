"""The packages are where a type checker and an editor look for them: on a path, not behind a hook that must run first."""

import subprocess
import sys
from pathlib import Path

ASK = """
from importlib.machinery import PathFinder
print(*(name for name in ("state", "streams", "adapters", "replay", "app") if PathFinder.find_spec(name) is None))
"""


def test_every_package_is_found_without_running_anything_of_the_installation(tmp_path: Path) -> None:
    ran = subprocess.run([sys.executable, "-I", "-c", ASK], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ran.stdout.split() == []
