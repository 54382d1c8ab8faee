"""The examples run as they stand."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_ten_lines_quote_both_sides_and_follow_the_market() -> None:
    ran = subprocess.run(
        [sys.executable, "examples/ten_lines.py"],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    said = ran.stdout.splitlines()
    assert sum("PlaceOrder" in line for line in said) == 6
    assert sum("AmendOrder" in line for line in said) > 100
    assert {"b0", "b1", "b2", "a0", "a1", "a2"} == {
        label for line in said if "PlaceOrder" in line for label in (line.rsplit("label='", 1)[1][:2],)
    }
