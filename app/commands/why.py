"""`tapeline why` and `why-not`: the causes of what is in a session, and what held back what is not."""

from collections.abc import Iterator
from typing import Annotated, Final

import msgspec
import typer

from adapters import order_ids
from app.collector import Collector
from app.logs import opened_log
from app.moments import seq_at, time_of
from app.options import JsonOption, LogOption, SessionArgument
from app.output import moment, print_json, print_lines, print_table, printable
from app.progress import progress
from replay.moments import Moments
from replay.rebuild import rebuild
from replay.why.facts import Explanation, FrameFact, Node
from replay.why.quotes import Moment, WhyNot
from replay.why.quotes import why_not as gates_of
from replay.why.traced import Traced, trace
from replay.why.tree import Why
from state.errors import ReplayDiverged, TapelineError, WrongUse
from state.log import Log, SessionRow
from state.manifest import Manifest
from state.record import Record
from state.words import Side
from streams.strategies.recorded import strategies_of

CLEAN, FINDINGS = 0, 1
_EARLIEST_NS: Final = 10**15  # below it a number is a seq, above a time
_FRAME_MOST: Final = 600  # bytes of a frame that people are shown; `--json` has all


def why(
    context: typer.Context,
    session: SessionArgument,
    asked: Annotated[
        str,
        typer.Argument(
            metavar="ORDER|FILL|SEQ",
            help="A client or order id, a fill id, or the number of a record.",
            show_default=False,
        ),
    ],
    values: Annotated[
        bool,
        typer.Option("--values/--no-values", help="Run the strategies again, to know what every operator had said."),
    ] = True,
    log: LogOption = None,
    as_json: JsonOption = False,
) -> int:
    """Show the causes of a fill, an order or a record, back to the market event at their root."""
    with opened_log(context, log) as opened:
        row = opened.find(session)
        finder = Why(opened, row)
        subject = finder.find(asked)
        note, decisions = "", subject.decisions()
        if values and decisions:
            traced, note = _traced(opened, row, set(decisions), decisions[-1])
            finder.heard = {} if traced is None else traced.at_decision
        answer = finder.explain(asked, subject)
    if note:
        answer.notes.append(note)
    if as_json:
        print_json(answer)
    else:
        print_lines(line.encode() for line in _lines(answer))
    return CLEAN


def why_not(
    context: typer.Context,
    session: SessionArgument,
    at: Annotated[
        str,
        typer.Option("--at", metavar="TIME|SEQ", help="A time (UTC), or the number of a record.", show_default=False),
    ],
    side: Annotated[str, typer.Option("--side", metavar="buy|sell", help="Which quote.", show_default=False)],
    symbol: Annotated[str | None, typer.Option("--symbol", metavar="S", help="Only this symbol.")] = None,
    strategy: Annotated[str | None, typer.Option("--strategy", metavar="N", help="Only this strategy.")] = None,
    log: LogOption = None,
    as_json: JsonOption = False,
) -> int:
    """Show which gate, limit or missing input kept a strategy from quoting at a moment."""
    if side not in ("buy", "sell"):
        raise WrongUse(f"--side is buy or sell, not {side!r}")
    chosen: Side = "buy" if side == "buy" else "sell"
    with opened_log(context, log) as opened:
        row = opened.find(session)
        manifest = Manifest.parse(row.manifest)
        markets = _markets(manifest, strategy, symbol)
        record, at_ns = _moment(opened, row, at)
        traced, note = _traced(opened, row, set(), record.seq, at_ns)
        shared = rebuild(opened, row.id, record.seq) if traced is None else traced.shared
        heard = None if traced is None else traced.at_end
        then = Moment(opened, row.id, record, at_ns, shared, heard)
        answers = [gates_of(then, manifest, name, venue, market, chosen) for name, venue, market in markets]
    if as_json:
        print_json(answers)
    else:
        for answer in answers:
            _print_gates(answer, note)
    explained = all(answer.quotes or answer.shut for answer in answers)
    return CLEAN if explained else FINDINGS


# --- what was asked ---


class _Market(msgspec.Struct, frozen=True):
    venue: str = ""
    symbol: str = ""


def _markets(manifest: Manifest, strategy: str | None, symbol: str | None) -> list[tuple[str, str, str]]:
    """Strategy, venue and symbol of each quote that could have been meant."""
    if not manifest.strategies:
        raise WrongUse("this session ran no strategy: nothing could have quoted")
    found = []
    for entry in manifest.strategies:
        if strategy not in (None, entry.name):
            continue
        market = msgspec.json.decode(entry.params, type=_Market)
        venue = market.venue or (manifest.venues[0] if len(manifest.venues) == 1 else "")
        said = [] if symbol is None else [symbol]  # an import's manifest has no symbols
        symbols = [market.symbol] if market.symbol else manifest.symbols or said
        found += [(entry.name, venue, each) for each in symbols if symbol in (None, each)]
    if not found:
        names = ", ".join(entry.name for entry in manifest.strategies)
        where = symbol or "a market that it names: say --symbol"
        raise WrongUse(f"no strategy {strategy or ''} on {where}; there are {names}".replace("  ", " "))
    return found


def _moment(log: Log, row: SessionRow, word: str) -> tuple[Record, int]:
    """The last record at or before a time or a seq; raises `WrongUse` for a moment outside of the session."""
    if word.isascii() and word.isdigit() and int(word) < _EARLIEST_NS:
        if not 1 <= int(word) <= row.last_seq:
            raise WrongUse(f"session {row.id} has records 1 to {row.last_seq}; there is no seq {word}")
        record = next(log.records(row.id, int(word), int(word)))
        return record, record.recv
    moments = Moments(log, row)
    at_ns = int(word) if word.isascii() and word.isdigit() else time_of(moments, row, word)
    if at_ns is None:
        raise WrongUse(f"--at takes a seq or a time such as 2026-08-09T14:23:07.5, not {word!r}")
    if at_ns < row.opened:
        raise WrongUse(f"session {row.id} began at {moment(row.opened)}, later than {word}")
    return moments.record(seq_at(moments, row, at_ns, word)), at_ns


def _traced(
    log: Log, row: SessionRow, wanted: set[int], until: int, at_ns: int | None = None
) -> tuple[Traced | None, str]:
    """What the operators said, or why that is not known."""
    manifest = Manifest.parse(row.manifest)
    done = 0

    def count(records: int) -> None:
        nonlocal done
        done += records
        shown(done)

    try:
        strategies = strategies_of(manifest)
        with progress("running the strategies again", until) as shown, Collector():
            return trace(
                log, row.id, strategies, order_ids(row.id), wanted=wanted, until=until, at=at_ns, progress=count
            ), ""
    except ReplayDiverged as error:
        return None, f"the operators' values are not known: {error}"
    except TapelineError as error:
        return None, f"the operators' values are not known, the strategies cannot be run again: {error}"


# --- for people ---


def _lines(answer: Explanation) -> Iterator[str]:
    yield f"why {answer.asked} in session {answer.session}"
    yield f"root: {answer.root.kind} at record {answer.root.seq}: {printable(answer.root.text)}"
    yield from _tree(answer.tree, "", "")
    if answer.configuration is not None:
        known = answer.configuration
        yield f"in force: strategy {bytes(known.strategy).decode()}"
        yield f"          risk {bytes(known.risk).decode()}"
        yield f"          tapeline {known.tapeline}, Python {known.python}, seed {known.seed}, {known.source}"
    for note in answer.notes:
        yield f"note: {note}"


def _tree(node: Node, first: str, rest: str) -> Iterator[str]:
    seq = f" {node.seq}" if node.seq else ""
    after = "" if node.after_ns is None else f"  +{node.after_ns / 1e6:.3f} ms"
    yield f"{first}{node.what}{seq}  {moment(node.at)}{after}  {printable(node.text)}"
    below = rest + ("│  " if node.children else "   ")
    for frame, word in ((node.frame, "from frame"), (node.sent, "sent as frame")):
        if frame is not None:
            yield f"{below}{word} {frame.id} ({frame.channel} {frame.direction}, {moment(frame.recv)}): {_body(frame)}"
    for verdict in node.verdicts:
        held = "held" if verdict.held else "BROKE"
        note = f" ({verdict.note})" if verdict.note else ""
        yield f"{below}limit {verdict.rule} {verdict.limit}: {verdict.value} {held}, set by {verdict.set_by}{note}"
    for value in node.values:
        said = (
            "never spoke"
            if value.value is None
            else f"= {printable(value.value)}  (record {value.seq}, {value.count} values)"
        )
        yield f"{below}{value.operator} {value.where} {said}"
    for place, child in enumerate(node.children):
        last = place == len(node.children) - 1
        yield from _tree(child, rest + ("└─ " if last else "├─ "), rest + ("   " if last else "│  "))


def _body(frame: FrameFact) -> str:
    body = printable(frame.body) or frame.url
    return body if len(body) <= _FRAME_MOST else f"{body[:_FRAME_MOST]}… ({len(body)} characters)"


def _print_gates(answer: WhyNot, note: str) -> None:
    head = f"{answer.strategy} {answer.venue} {answer.symbol} {answer.side} at record {answer.seq}, {moment(answer.at)}"
    if answer.quotes:
        verdict = f"it was quoting: {'; '.join(answer.quotes)}"
    elif answer.shut:
        verdict = "; ".join(f"{gate.gate}: {printable(gate.text)}" for gate in answer.shut)
    else:
        verdict = "no gate was shut: unexplained"
    print_lines([head.encode(), verdict.encode()])
    rows = [("" if gate.open else "shut", gate.gate, gate.seq or None, gate.text) for gate in answer.gates]
    print_table(("", "gate", "seq", "what"), rows, right=("seq",))
    if note:
        print_lines([f"note: {note}".encode()])
