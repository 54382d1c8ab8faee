"""What became of each case: passed, failed, or not offered by the venue."""

from typing import Literal, Protocol, TypeAlias

import msgspec

Result: TypeAlias = Literal["passed", "failed", "not offered"]
RESULTS: tuple[Result, ...] = ("passed", "failed", "not offered")


class Case(msgspec.Struct, frozen=True):
    """One case: its part of the suite, its sentence, what became of it, and why where it did not pass."""

    venue: str
    part: str
    sentence: str
    result: Result
    why: str = ""


class Report(Protocol):
    """What pytest says of one phase of a case."""

    @property
    def when(self) -> str | None: ...

    @property
    def outcome(self) -> Literal["passed", "failed", "skipped"]: ...

    @property
    def longrepr(self) -> object: ...


class Scorecard:
    """Cases in the order in which they ended."""

    def __init__(self) -> None:
        self._cases: dict[tuple[str, str], Case] = {}  # by part and name

    def note(self, venue: str, part: str, name: str, sentence: str, report: Report) -> None:
        """A failure in any phase is the case's; one that was skipped is not offered."""
        before = self._cases.get((part, name))
        if before is not None and (report.outcome == "passed" or before.result == "failed"):
            return
        if report.outcome == "passed" and report.when != "call":
            return
        result: Result = "passed" if report.outcome == "passed" else "failed"
        why = ""
        if report.outcome == "skipped":
            result, why = "not offered", _why_skipped(report.longrepr)
        elif report.outcome == "failed":
            why = _why_failed(report.longrepr)
        self._cases[part, name] = Case(venue, part, sentence, result, why)

    def encode(self) -> bytes:
        return msgspec.json.encode(list(self._cases.values()))


def decode(text: bytes) -> list[Case]:
    """Raises `msgspec.DecodeError`."""
    return msgspec.json.decode(text, type=list[Case])


def _why_skipped(told: object) -> str:
    text = told[2] if isinstance(told, tuple) else str(told)
    return str(text).removeprefix("Skipped: ").removeprefix("not offered: ")


def _why_failed(told: object) -> str:
    """The line that says what is wrong: the last one marked as an error."""
    crash = getattr(told, "reprcrash", None)
    text = str(told if crash is None else crash.message)
    return text.strip().splitlines()[0] if text.strip() else "failed"
