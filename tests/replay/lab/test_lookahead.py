"""A strategy that reads ahead is found and its operator named; one that does not is left in peace."""

import pytest

from tests.replay.lab.sessions import Lab, Tapeline

PEEKING = "tests.replay.lab.peeking:peeking"


def test_plain_does_not_look_ahead(lab: Lab, tapeline: Tapeline) -> None:
    said = tapeline("lookahead", "plain", lab.live, "--samples", "12", "--json")
    assert said.code == 0, said.err + said.out
    fact = said.fact()
    assert (fact["samples"], fact["differing"], fact["finding"]) == (12, 0, None)
    assert isinstance(fact["decisions"], int)
    assert fact["decisions"] > 50


def test_a_centred_window_is_found_and_named(lab: Lab, tapeline: Tapeline) -> None:
    said = tapeline("lookahead", PEEKING, lab.live, "--samples", "20", "--json")
    assert said.code == 1, said.err
    fact = said.fact()
    finding = fact["finding"]
    assert isinstance(finding, dict)
    assert finding["operator"] == "map centred"
    assert finding["where"].startswith("peeking.py:")
    assert finding["whole"] != finding["other"]
    assert tapeline("lookahead", PEEKING, lab.live, "--samples", "20", "--json").out == said.out, "the same every time"
    assert "operator: map centred peeking.py:" in tapeline("lookahead", PEEKING, lab.live, "--samples", "20").out


def test_the_same_window_that_does_not_look_ahead_is_clean(lab: Lab, tapeline: Tapeline) -> None:
    said = tapeline("lookahead", PEEKING, lab.live, "--samples", "20", "--set", "ahead=0")
    assert said.code == 0, said.out
    assert said.out.startswith("no look-ahead: ")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        pytest.param(("nobody", "last"), "unknown strategy 'nobody'", id="no such strategy"),
        pytest.param(("plain", "last", "--set", "sise=1"), "has no parameter sise", id="no such parameter"),
        pytest.param(("plain", "last", "--samples", "0"), "greater than or equal to 1", id="no samples"),
    ],
)
def test_what_cannot_be_examined_is_said_in_one_line(
    lab: Lab, tapeline: Tapeline, words: tuple[str, ...], told: str
) -> None:
    said = tapeline("lookahead", *words)
    assert said.code == 2
    assert told in said.err
    assert len(said.err.splitlines()) == 1
