"""A strategy that reads ahead is found and its operator named; one that does not is left in peace."""

from pathlib import Path

import msgspec
import pytest

from replay.lookahead import _disturbed
from state.events import AnyEvent, BookDelta, BookSnapshot, Candle, Liquidation, Signal, Ticker, Trade
from state.record import Record
from tests.replay.lab.sessions import Lab, Tapeline

PEEKING = "tests.replay.lab.peeking:peeking"
NEXT_SIZES = "tests.replay.lab.peeking:next_sizes"
ANOTHER = "tests.replay.lab.peeking:another_each_time"


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


def test_who_peeks_one_record_ahead_at_sizes_alone_is_found_among_few_places(lab: Lab, tapeline: Tapeline) -> None:
    """Records by chance hardly ever stand between so few decisions and the next record; timers decide between records."""
    said = tapeline("lookahead", NEXT_SIZES, lab.live, "--samples", "30", "--json")
    assert said.code == 1, said.out + said.err
    fact = said.fact()
    assert isinstance(fact["differing"], int)
    assert fact["differing"] >= 3


def test_who_decides_otherwise_on_the_same_log_is_not_said_to_look_ahead(lab: Lab, tapeline: Tapeline) -> None:
    said = tapeline("lookahead", ANOTHER, lab.live, "--samples", "5")
    assert said.code == 1, said.err
    assert said.out.startswith("NOT THE SAME TWICE: ")
    assert "\nagain: {" in said.out
    fact = tapeline("lookahead", ANOTHER, lab.live, "--samples", "5", "--json").fact()
    finding = fact["finding"]
    assert isinstance(finding, dict)
    assert (finding["how"], fact["samples"], fact["differing"]) == ("again", 0, 0)


def test_what_a_strategy_reads_from_elsewhere_is_said_since_nothing_can_cut_it_off(
    lab: Lab, tapeline: Tapeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table computed of the whole day is the most common way to the future, and is in no log."""
    (tmp_path / "table.csv").write_text("1\n2\n")
    (tmp_path / "prepared.py").write_text(
        "import numpy as np\n\nfrom tests.replay.lab.peeking import Window, seldom\n\n"
        f"FUTURE = np.loadtxt({str(tmp_path / 'table.csv')!r})\n\n\n"
        "def prepared(feeds, p: Window):\n    return seldom(feeds, p, lambda: float(FUTURE[0]))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    said = tapeline("lookahead", "prepared:prepared", lab.live, "--samples", "3")
    assert said.code == 1, said.err
    assert said.out.startswith("no look-ahead in what the log tells: ")
    assert "prepared.py:5: error: numpy.loadtxt reads a file" in said.out
    fact = tapeline("lookahead", "prepared:prepared", lab.live, "--samples", "3", "--json").fact()
    assert isinstance(fact["unseen"], list)
    assert len(fact["unseen"]) == 1


MARKET: list[AnyEvent] = [
    BookSnapshot("v", "S", None, [(100.0, 1.0)], [(101.0, 2.0)]),
    BookDelta("v", "S", None, [(100.0, 1.0), (99.0, 3.0)], [(101.0, 2.0)]),
    Trade("v", "S", None, "1", 100.0, 1.0, "buy"),
    Ticker("v", "S", None, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 1e-4, None, None, 8.0, 9.0),
    Candle("v", "S", None, 0, 60, 1.0, 3.0, 0.5, 2.0, 5.0, 6.0),
    Liquidation("v", "S", None, "buy", 100.0, 1.0),
    Signal("s", 3.0),
]


@pytest.mark.parametrize("event", MARKET, ids=lambda event: type(event).__name__)
def test_no_number_of_a_disturbed_market_is_the_old_one(event: AnyEvent) -> None:
    def numbers(value: object) -> list[float]:
        if isinstance(value, float):
            return [value]
        return [each for part in value for each in numbers(part)] if isinstance(value, list | tuple) else []

    [record] = _disturbed([Record(1, 1, 0, event)], 5)
    told = [numbers(msgspec.structs.astuple(it)) for it in (event, record.event)]
    assert len(told[0]) == len(told[1]) > 0
    assert all(one != other for one, other in zip(*told, strict=True))


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
