"""`tapeline audit`: what a session is worth, as lines, as JSON, or as a page that stands alone."""

import sys
from pathlib import Path
from time import sleep
from typing import Annotated

import msgspec
import typer

from app.audit_page import page
from app.files import whole_file
from app.logs import opened_log, opened_session
from app.options import JsonOption, LogKeyOption, LogOption, SessionArgument
from app.output import print_json, print_lines, print_table, printable, remark
from app.progress import counting
from replay.audit import AuditReport
from replay.audit import audit as audit_session
from replay.follow import follow as follow_session
from replay.proof.anchors import read as read_anchors
from replay.proof.keys import PublicKey
from state.errors import WrongUse

CLEAN, FINDINGS, COULD_NOT_RUN = 0, 1, 2
LOOK_EVERY_S = 0.1


def audit(
    context: typer.Context,
    session: SessionArgument,
    anchors: Annotated[
        Path | None, typer.Option("--anchors", metavar="FILE", help="What `tapeline checkpoint --anchor-file` wrote.")
    ] = None,
    public_key: Annotated[
        Path | None, typer.Option("--public-key", metavar="FILE", help="The key that checkpoints must be signed by.")
    ] = None,
    html: Annotated[bool, typer.Option("--html", help="Write a page to read in a browser.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="PATH", help="With --html: where to; else standard output.")
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Beside a live session: tell each finding as it comes, until the end.")
    ] = False,
    log_key: LogKeyOption = None,
    log: LogOption = None,
    as_json: JsonOption = False,
) -> int:
    """Check digest, gaps, journal and outcomes of a session; trusts nothing that is stored."""
    if html and as_json:
        raise WrongUse("--html and --json are two ways to say the same: ask for one")
    if output is not None and not html:
        raise WrongUse("-o takes the page that --html makes")
    if follow:
        if html or anchors is not None or public_key is not None:
            raise WrongUse(
                "--follow tells findings as they come: audit page, anchors and keys when the session has ended"
            )
        return _follow(context, session, log, log_key, as_json=as_json)
    with opened_session(context, session, log, log_key) as (opened, row):
        said = None if anchors is None else read_anchors(anchors, row.id)
        key = None if public_key is None else PublicKey.load(public_key)
        with counting("auditing", row.last_seq) as count:
            report = audit_session(opened, row.id, count, anchors=said, key=key)
        if html:
            text = page(report, row, opened.checkpoints(row.id), opened.name, anchors=said is not None, key=key)
            _write(text.encode(), output)
    if as_json:
        print_json(report)
    elif not html:
        _print(report)
    if report.findings:
        return FINDINGS
    return COULD_NOT_RUN if report.unchecked else CLEAN


def _follow(context: typer.Context, session: str, log: str | None, log_key: Path | None, *, as_json: bool) -> int:
    found = 0
    with opened_log(context, log, log_key) as opened:
        row = opened.find(session)
        remark(f"following session {row.id}, which is {row.status}; Ctrl-C ends it")
        for finding in follow_session(opened, row.id, lambda: sleep(LOOK_EVERY_S)):
            found += 1
            if as_json:
                print_lines([msgspec.json.encode(finding)], live=True)
            else:
                print_lines([printable(f"{finding.seq} {finding.kind}: {finding.text}").encode()], live=True)
        row = opened.find(row.id)
    remark(
        f"session {row.id} is {row.status} at record {row.last_seq}: {found or 'no'} finding{'s' if found != 1 else ''}"
    )
    return FINDINGS if found else CLEAN


def _write(text: bytes, output: Path | None) -> None:
    if output is None:
        sys.stdout.buffer.write(text)
        sys.stdout.buffer.flush()
        return
    with whole_file(output) as out:
        out.write(text)
    remark(f"the audit is in {output}")


def _print(report: AuditReport) -> None:
    read = "encrypted" if report.unchecked else f"{report.records} records"
    lines = [f"session {report.session} ({report.status}): {read}, head {report.head}"]
    if not report.unchecked:
        lines.append(
            f"{report.intents} intents, {report.answered} with their outcome; {report.fills} fills; "
            f"{report.gaps} feed gaps recorded"
        )
    lines.append(
        f"{report.checkpoints} checkpoints up to record {report.checkpointed_seq}, "
        f"signed up to {report.signed_seq}, anchored up to {report.anchored_seq}"
    )
    lines.append(_verdict(report))
    lines += [f"not checked: {what}" for what in report.unchecked[1:]]
    print_lines(printable(line).encode() for line in lines)
    if report.findings:
        print_table(("seq", "kind", "finding"), [(f.seq, f.kind, f.text) for f in report.findings], right=("seq",))


def _verdict(report: AuditReport) -> str:
    if report.findings:
        return f"{len(report.findings)} findings"
    return (
        f"no verdict: {report.unchecked[0]}; nothing is wrong in what can be checked" if report.unchecked else "clean"
    )
