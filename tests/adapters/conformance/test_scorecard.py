"""`tapeline conformance`: a scorecard, and an exit code that says what it is worth."""

import json
import subprocess
import sys
from pathlib import Path

from tests.command import environment, tapeline


def test_a_venue_that_does_what_it_must_is_clean_and_says_what_it_lacks(tmp_path: Path) -> None:
    done = tapeline("conformance", "binance.spot", "--json", "--part", "trades", "--part", "books", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    cases = json.loads(done.stdout)
    assert {case["part"] for case in cases} == {"books", "trades"}
    assert {case["result"] for case in cases} == {"passed", "not offered"}
    assert {case["why"] for case in cases if case["result"] == "not offered"} == {"its books carry none"}
    assert {case["venue"] for case in cases} == {"binance.spot"}


def test_what_could_not_run_says_so_in_one_line(tmp_path: Path) -> None:
    for words, why in (
        (["nowhere"], "no venue 'nowhere'"),
        (["bybit.spot"], "no loopback"),
        (["bybit", "--part", "dances"], "no part 'dances'"),
    ):
        done = tapeline("conformance", *words, cwd=tmp_path)
        assert done.returncode == 2
        assert why in done.stderr
        assert done.stderr.count("\n") == 1


def test_without_pytest_one_line_says_what_is_missing(tmp_path: Path) -> None:
    code = "import sys; sys.modules['pytest'] = None\nfrom app.cli import main\nsys.argv[1:] = ['conformance', 'bybit']\nmain()"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment(), text=True, capture_output=True, timeout=60
    )
    assert done.returncode == 2
    assert done.stderr == "tapeline: the suite runs on pytest, which is not installed: pip install pytest\n"
