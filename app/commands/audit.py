"""`tapeline audit`: what a session is worth, as lines, as JSON, or as a page that stands alone."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from app.audit_page import page
from app.files import whole_file
from app.logs import opened_session
from app.options import JsonOption, LogKeyOption, LogOption, SessionArgument
from app.output import print_json, print_lines, print_table, remark
from app.progress import counting
from replay.audit import AuditReport
from replay.audit import audit as audit_session
from replay.proof.anchors import read as read_anchors
from replay.proof.keys import PublicKey
from state.errors import WrongUse

CLEAN, FINDINGS = 0, 1


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
    log_key: LogKeyOption = None,
    log: LogOption = None,
    as_json: JsonOption = False,
) -> int:
    """Check digest, gaps, journal and outcomes of a session; trusts nothing that is stored."""
    if html and as_json:
        raise WrongUse("--html and --json are two ways to say the same: ask for one")
    if output is not None and not html:
        raise WrongUse("-o takes the page that --html makes")
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
    return CLEAN if report.clean else FINDINGS


def _write(text: bytes, output: Path | None) -> None:
    if output is None:
        sys.stdout.buffer.write(text)
        sys.stdout.buffer.flush()
        return
    with whole_file(output) as out:
        out.write(text)
    remark(f"the audit is in {output}")


def _print(report: AuditReport) -> None:
    print_lines(
        [
            f"session {report.session} ({report.status}): {report.records} records, head {report.head}".encode(),
            f"{report.intents} intents, {report.answered} with their outcome; {report.fills} fills; "
            f"{report.gaps} feed gaps recorded".encode(),
            f"{report.checkpoints} checkpoints up to record {report.checkpointed_seq}, "
            f"signed up to {report.signed_seq}, anchored up to {report.anchored_seq}".encode(),
            b"clean" if report.clean else f"{len(report.findings)} findings".encode(),
        ]
    )
    if report.findings:
        print_table(("seq", "kind", "finding"), [(f.seq, f.kind, f.text) for f in report.findings], right=("seq",))
