"""An audit as one page of HTML that stands alone: verdict, what was checked, findings, tables. No script, nothing from outside.

Whatever a venue or a forger may have written goes through `_word`, which leaves no markup and no control character of it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape
from typing import Final

from app.output import moment, printable
from replay.audit import AuditReport, Finding
from replay.proof.keys import PublicKey
from state.log import SessionRow
from state.log.checkpoint import SignedCheckpoint
from state.log.verify import FINDINGS_MAX

CHECKPOINTS_SHOWN: Final = 100


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at, and the kinds of findings that speak against it."""

    title: str
    text: str
    kinds: frozenset[str]
    follows: bool = False  # reads the records in order, and no further than they can be read


CHECKS: Final = (
    Check(
        "Records",
        "Every record stands where it was written, unchanged: the running digest, a mark for each record, no number "
        "missing, nothing cut off.",
        frozenset(
            {"block", "record", "digest", "gap", "tail", "head", "schema", "corrupt", "edited", "deleted", "inserted"}
            | {"duplicated", "reordered", "replaced", "clock"}
        ),
    ),
    Check("Manifest", "What the session was run with is what was written when it opened.", frozenset({"manifest"})),
    Check(
        "Journal", "Each row of the journal says what its record says, and there is no other.", frozenset({"journal"})
    ),
    Check("Frames", "The venues' own words are there as they were kept.", frozenset({"frame"})),
    Check(
        "Checkpoints", "The stored checkpoints follow from each other and from the records.", frozenset({"checkpoint"})
    ),
    Check("Signatures", "Checkpoints are signed by the key that was given.", frozenset({"signature"})),
    Check("Anchors", "Checkpoints kept outside of the log say the same as it does.", frozenset({"anchor"})),
    Check(
        "Order of events",
        "It begins with its opening and ends with its close; every cause comes before its effect.",
        frozenset({"opening", "cause", "ending", "crashed", "running", "unfollowable"}),
        follows=True,
    ),
    Check(
        "Intents",
        "Each intent has one outcome, each outcome its intent; what was unknown was found out.",
        frozenset({"no outcome", "unresolved", "no intent", "duplicate id"}),
        follows=True,
    ),
    Check("Fills", "Each fill belongs to an order of this session.", frozenset({"no order", "fill"}), follows=True),
    Check("Positions", "Folded from fills they come to what the venue says.", frozenset({"position"}), follows=True),
    Check("Strategies", "None of them failed.", frozenset({"strategy failed"}), follows=True),
)

UNOPENED: Final = frozenset(
    {"Manifest", "Signatures"}
)  # what holds of an encrypted session without its key, as a whole


def page(
    report: AuditReport,
    row: SessionRow,
    checkpoints: Sequence[SignedCheckpoint],
    log_name: str,
    *,
    anchors: bool = False,
    key: PublicKey | None = None,
) -> str:
    """The whole page; `anchors` and `key` say whether the audit was given any."""
    asked = {"Anchors": anchors, "Signatures": key is not None}
    parts = [
        _head(report),
        *_verdict(report, outside=anchors or key is not None),
        *_checked(report, row, asked),
        *_findings(report.findings),
        *_session(report, row, log_name),
        *(() if report.unchecked else (*_intents(report), *_positions(report))),
        *_checkpoints(checkpoints),
        f"<details><summary>Manifest</summary><pre>{_word(row.manifest)}</pre></details>",
        "</main></body></html>",
    ]
    return "\n".join(parts) + "\n"


# --- from the top ---


def _head(report: AuditReport) -> str:
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Audit of {_word(report.session)}</title>\n<style>{_STYLE}</style></head><body><main>"
    )


def _verdict(report: AuditReport, *, outside: bool) -> Iterable[str]:
    yield f"<h1>Audit of session {_word(report.session)}</h1>"
    if report.clean:
        yield '<section id="verdict" class="clean"><p class="big">Clean</p>'
        yield f"<p>All {report.records:,} records were read, and nothing in them or beside them contradicts the rest.</p>"
    elif not report.findings:
        yield '<section id="verdict"><p class="big">No verdict</p>'
        yield f"<p>{_word(report.unchecked[0])}. Nothing is wrong in what can be checked without it.</p>"
    else:
        first = report.findings[0]
        counted = f"{len(report.findings)} finding{'s' if len(report.findings) > 1 else ''}"
        yield f'<section id="verdict" class="bad"><p class="big">{counted}</p>'
        where = f"at record {first.seq}" if first.seq else "of the session as a whole"
        yield f"<p>The first is {where}: <b>{_word(first.kind)}</b>, {_word(first.text)}.</p>"
        if len(report.findings) >= FINDINGS_MAX:
            yield f"<p>The search of the log stopped at {FINDINGS_MAX} findings: there may be more.</p>"
    if report.unchecked:
        yield f"<p>Not checked: {_word('; '.join(report.unchecked[1:]))}.</p>"
    if not outside:
        yield (
            "<p>Nothing outside of the log was asked. Whoever can rewrite all of a log can make it agree with itself: "
            "only a signature (<code>--public-key</code>) or anchors kept elsewhere (<code>--anchors</code>) tell then.</p>"
        )
    yield "</section>"


def _checked(report: AuditReport, row: SessionRow, asked: dict[str, bool]) -> Iterable[str]:
    whole = report.records >= row.last_seq
    known = frozenset().union(*(check.kinds for check in CHECKS))
    yield '<h2>What was checked</h2><table id="checked"><thead><tr><th>Result<th>What<th>It holds if</tr></thead><tbody>'
    for check in CHECKS:
        against = sum(found.kind in check.kinds for found in report.findings)
        opened = not report.unchecked or check.title in UNOPENED
        yield _check_row(check, against, report.records, asked=asked.get(check.title, True), whole=whole, opened=opened)
    others = sum(found.kind not in known for found in report.findings)
    if others:
        yield _check_row(Check("Else", "Nothing else was found.", frozenset()), others, 0, asked=True, whole=True)
    yield "</tbody></table>"


def _check_row(check: Check, against: int, reached: int, *, asked: bool, whole: bool, opened: bool = True) -> str:
    if against:
        kind, result = "bad", f"{against} found"
    elif not asked:
        kind, result = "unasked", "not asked"
    elif not opened:
        kind, result = "unasked", "encrypted"
    elif check.follows and not whole:
        kind, result = "unasked", f"holds up to record {reached}" if reached else "not reached"
    else:
        kind, result = "clean", "holds"
    return f'<tr><td class="{kind}">{result}<td>{_word(check.title)}<td>{_word(check.text)}</tr>'


def _findings(findings: Sequence[Finding]) -> Iterable[str]:
    yield "<h2>Findings</h2>"
    if not findings:
        yield '<p id="findings">None.</p>'
        return
    rows = [(found.seq or "whole", found.kind, found.text) for found in findings]
    yield from _table("findings", ("Record", "Kind", "Finding"), rows, right=(0,))


# --- tables ---


def _session(report: AuditReport, row: SessionRow, log_name: str) -> Iterable[str]:
    yield "<h2>Session</h2>"
    facts = [
        ("Session", row.id),
        ("Log", log_name),
        ("Status", row.status),
        ("Opened (UTC)", _time(row.opened)),
        ("Closed (UTC)", _time(row.closed)),
        ("Forked from", row.parent or "-"),
        ("Records read", f"{report.records:,} of {row.last_seq:,}"),
        ("Fills", "encrypted" if report.unchecked else f"{report.fills:,}"),
        ("Feed gaps that it recorded itself", "encrypted" if report.unchecked else f"{report.gaps:,}"),
        ("Running digest", row.head),
        ("Checkpoints reach to record", f"{report.checkpointed_seq:,}"),
        ("Signatures reach to record", f"{report.signed_seq:,}"),
        ("Anchors reach to record", f"{report.anchored_seq:,}"),
    ]
    body = "".join(f"<tr><th scope=row>{_word(name)}<td>{_word(value)}</tr>" for name, value in facts)
    yield f'<table id="session"><tbody>{body}</tbody></table>'


def _intents(report: AuditReport) -> Iterable[str]:
    yield "<h2>Intents and their outcomes</h2>"
    columns = ("Venue", "Action", "Intents", "Accepted", "Refused", "Unknown", "Without outcome", "Held back by risk")
    rows = [
        (it.venue, it.action, it.intents, it.accepted, it.rejected, it.unknown, it.unanswered, it.blocked)
        for it in report.outcomes
    ]
    yield from _table("intents", columns, rows, right=range(2, 8))


def _positions(report: AuditReport) -> Iterable[str]:
    yield "<h2>Positions</h2>"
    columns = ("Venue", "Market", "Fills", "Folded", "The venue says", "Residual", "Realized PnL", "Funding")
    rows = [
        (it.venue, it.symbol, it.fills, it.size, it.told, it.residual, it.realized_pnl, it.funding)
        for it in report.positions
    ]
    yield from _table("positions", columns, rows, right=range(2, 8))


def _checkpoints(checkpoints: Sequence[SignedCheckpoint]) -> Iterable[str]:
    yield "<h2>Checkpoints</h2>"
    if len(checkpoints) > CHECKPOINTS_SHOWN:
        yield f"<p>The last {CHECKPOINTS_SHOWN} of {len(checkpoints)}; all of them were checked.</p>"
    rows = [
        (it.checkpoint.number, it.checkpoint.seq, it.checkpoint.frames, it.checkpoint.head, it.key or "unsigned")
        for it in checkpoints[-CHECKPOINTS_SHOWN:]
    ]
    yield from _table("checkpoints", ("Number", "Up to record", "Frames", "Head", "Key"), rows, right=range(3))


def _table(
    name: str, columns: Sequence[str], rows: Sequence[Sequence[object]], *, right: Iterable[int] = ()
) -> Iterable[str]:
    if not rows:
        yield f'<p id="{name}">None.</p>'
        return
    numbers = frozenset(right)
    kinds = [" class=n" if at in numbers else "" for at in range(len(columns))]
    heading = "".join(f"<th{kind}>{_word(column)}" for kind, column in zip(kinds, columns, strict=True))
    yield f'<div class="wide"><table id="{name}"><thead><tr>{heading}</tr></thead><tbody>'
    for row in rows:
        yield "<tr>" + "".join(f"<td{kind}>{_word(value)}" for kind, value in zip(kinds, row, strict=True)) + "</tr>"
    yield "</tbody></table></div>"


def _time(time_ns: int | None) -> str:
    """A damaged row may hold a time that no calendar has."""
    try:
        return moment(time_ns) or "-"
    except (ValueError, OverflowError, OSError):
        return f"{time_ns} ns, which is no date"


def _word(value: object) -> str:
    if value is None:
        return "-"
    text = f"{value:f}" if isinstance(value, Decimal) else str(value)
    return escape("".join(char if char.isprintable() else printable(char) for char in text))


_STYLE: Final = """
:root{color-scheme:light dark}
body{margin:0;font:15px/1.5 system-ui,sans-serif;background:light-dark(#fff,#15181c);color:light-dark(#1b1f24,#e4e7eb)}
main{max-width:72rem;margin:0 auto;padding:1.5rem}
h1{font-size:1.4rem;overflow-wrap:anywhere}h2{font-size:1.1rem;margin:2rem 0 .5rem}
#verdict{border-left:.5rem solid;padding:.5rem 1rem;overflow-wrap:anywhere;background:light-dark(#f4f6f8,#1f242a)}
#verdict p{margin:.3rem 0}#verdict.clean{border-color:#1a7f37}#verdict.bad{border-color:#cf222e}
.big{font-size:1.6rem;font-weight:700}
.clean>.big,td.clean{color:light-dark(#1a7f37,#57d17a)}.bad>.big,td.bad{color:light-dark(#cf222e,#ff7b72)}
td.bad,td.clean{font-weight:600}#checked td:first-child,#checked td:nth-child(2){white-space:nowrap}
td.unasked{color:light-dark(#656d76,#9aa4af)}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:.3rem .8rem .3rem 0;border-bottom:1px solid light-dark(#d8dee4,#343b43);
overflow-wrap:anywhere}
thead th{font-weight:600;color:light-dark(#57606a,#9aa4af)}th[scope=row]{width:18rem;font-weight:400}
.n{text-align:right;padding-right:1.2rem;font-variant-numeric:tabular-nums;overflow-wrap:normal;white-space:nowrap}
#findings td:nth-child(2){white-space:nowrap}
details{margin-top:2rem}pre{white-space:pre-wrap;overflow-wrap:anywhere}
"""
