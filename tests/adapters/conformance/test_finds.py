"""The suite can fail: what is broken in an adapter, it finds, in the case that speaks of it."""

import os
from pathlib import Path

import pytest

from adapters.conformance.scorecard import decode
from tests.command import ROOT, module

FOUND = {
    "trades_told_twice": ("bybit", "trades", "three_sockets", "each told once"),
    "gaps_passed_over": ("bybit", "books", "each_frame_lost", "Whichever update is lost"),
    "amends_sent_again": ("binance", "outcomes", "other_replies", "whose answer is lost is unknown"),
    "ids_too_long": ("bybit", "ids", "alphabet", "alphabet and length"),
    "unknown_words_taken": ("bybit", "frames", "unknown_word", "never taken for one that we know"),
    "errors_taken_for_refusals": ("bybit", "outcomes", "never_arrived", "is unknown first"),
    "signatures_kept": ("bybit", "life", "secrets", "No word of a key"),
}


@pytest.mark.parametrize("broken", FOUND)
def test_what_is_broken_is_found(tmp_path: Path, broken: str) -> None:
    venue, part, cases, sentence = FOUND[broken]
    scorecard = tmp_path / "scorecard.json"
    done = module(
        "pytest", "-q", "--tb=line", "-p", "adapters.conformance.options",
        "-p", "tests.adapters.conformance.sabotage", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(tmp_path),
        "--import-mode=importlib", "--venue", venue, "--scorecard", str(scorecard), "-k", cases,
        "--pyargs", f"adapters.conformance.test_{part}",
        cwd=ROOT, TAPELINE_SABOTAGE=broken, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1",
    )  # fmt: skip
    assert done.returncode == 1, done.stdout
    failed = [case for case in decode(scorecard.read_bytes()) if case.result == "failed"]
    assert any(sentence in case.sentence for case in failed), done.stdout
