"""One run of a sweep: a set of parameters on a stretch of a session, and what came of it, the same in every process."""

from collections.abc import Container, Mapping, Sequence
from decimal import Decimal
from hashlib import blake2b
from itertools import pairwise

import msgspec

from adapters import order_ids
from adapters.paper import PaperSettings
from replay.latencies import NOTHING_RECORDED, recorded_latencies
from replay.others import Others
from replay.simulate import Simulation
from state.errors import ConfigurationError, WrongUse
from state.events import INTENT, AnyEvent, Blocked, Fill, FundingPayment
from state.log import Log
from state.log.data_keys import LogKey
from state.manifest import Manifest
from state.record import Frame, Record, canonical
from state.shared import SharedState
from streams.strategies.recorded import entry, strategies_of
from streams.strategy import Strategy, run_strategies

_SESSION = "sweep"
_SIGNED = (*INTENT, Blocked, Fill, FundingPayment)
_SUMS = ("realized", "unrealized", "fees", "funding", "turnover")
_ZERO = Decimal(0)


class Job(msgspec.Struct, frozen=True):
    """A run: records `first` to `last` of a session are traded on, those before only tell the market's state."""

    log: str
    session: str
    head: str  # the session's digest: another recording is another job
    first: int
    last: int
    strategy: str
    strategies: tuple[tuple[str, str], ...]  # name, parameters as JSON
    paper: str  # as JSON
    seed: int
    code: str = (
        ""  # stands for this version and for the file of the strategy: a strategy that was changed is another job
    )
    asset: str = ""  # the one that is counted, where markets settle in several

    def key(self) -> str:
        """Names the job and everything that its outcome depends on but the code that the strategy's file imports."""
        return blake2b(msgspec.json.encode(msgspec.structs.replace(self, log="")), digest_size=16).hexdigest()


class Outcome(msgspec.Struct, frozen=True):
    """What came of it, in `asset`; PnL is realized, unrealized, fees and funding together, `elsewhere` is that in other assets.

    `turnover` is in quote; `digest` goes over decisions and fills.
    """

    pnl: Decimal
    realized: Decimal
    unrealized: Decimal
    fees: Decimal
    funding: Decimal
    turnover: Decimal
    intents: int
    fills: int
    failed: str
    digest: str
    asset: str = ""  # empty where nothing was traded
    elsewhere: dict[str, Decimal] = {}


class _Signature:
    """A sink that counts and signs what was decided and filled."""

    def __init__(self) -> None:
        self.intents = self.fills = 0
        self.digest = blake2b(digest_size=16)

    def append(self, record: Record, frame: Frame | None = None) -> None:
        event = record.event
        if isinstance(event, _SIGNED):
            self.intents += isinstance(event, INTENT)
            self.fills += isinstance(event, Fill)
            self.digest.update(canonical(record))


class _Stretch(Simulation):
    """A simulation whose strategies begin at a moment, on a market that is known by then."""

    begins = 0
    waiting: Sequence[Strategy] = ()

    def _market(self, recv: int, events: Sequence[AnyEvent]) -> None:
        if self.waiting and recv >= self.begins:
            strategies, self.waiting = self.waiting, ()
            run_strategies(self._pipeline, strategies)
        super()._market(recv, events)


def run_job(job: Job) -> Outcome:
    """Raises `WrongUse` where the session is no longer the one that was meant, `TapelineError` as a simulation does."""
    paper = msgspec.json.decode(job.paper, type=PaperSettings, strict=False)
    with Log.open(job.log, create=False, key=LogKey.said(None)) as log:
        row = log.find(job.session)
        if row.head != job.head:
            raise WrongUse(f"session {row.id} in {log.name} is not the one that the sweep was begun with")
        fields = [(name, msgspec.json.decode(text, type=dict[str, object])) for name, text in job.strategies]
        manifest = msgspec.structs.replace(
            Manifest.parse(row.manifest),
            strategies=[entry(name, job.strategy, params) for name, params in fields],
            risk=msgspec.Raw(b"null"),
        )
        recorded = recorded_latencies(log, row.id) if paper.latency == "recorded" else NOTHING_RECORDED
        if paper.latency == "recorded" and not recorded:
            raise ConfigurationError(f"paper.latency=recorded: session {row.id} has no intents that were answered")
        sink = _Signature()
        run = _Stretch(sink, order_ids(_SESSION), [], paper, session=_SESSION, seed=job.seed, recorded=recorded)
        run.waiting = strategies_of(manifest)
        run.begins = next(log.records(row.id, job.first, job.first)).recv
        simulated = run.run(Others(log, row).market(log.records(row.id, 1, job.last)))
    return _outcome(simulated.shared, sink, job.asset)


def parts(last_seq: int, count: int) -> list[tuple[int, int]]:
    """First and last record of each of `count` parts of a session, as equal as can be."""
    if count > last_seq:
        raise WrongUse(f"a session of {last_seq} records cannot be cut into {count} parts")
    edges = [last_seq * number // count for number in range(count + 1)]
    return [(first + 1, last) for first, last in pairwise(edges)]


class Fold(msgspec.Struct, frozen=True):
    """Chosen by the PnL on parts 1 to `number` of a session, judged by that on the next; `best` is the most there was."""

    session: str
    number: int
    chosen: int  # the set of parameters
    trained: Decimal
    tested: Decimal
    best: Decimal


def walk_forward(
    session: str, profits: Sequence[Sequence[Decimal]], failed: Container[tuple[int, int]] = ()
) -> list[Fold]:
    """`profits` is by set of parameters and by part; of two that did equally well the earlier set is chosen.

    A set that is in `failed` with a part (both from 0) is not chosen by that part, whatever it had earned until it raised; where
    all have failed, the first is chosen.
    """
    folds = []
    for number in range(1, len(profits[0])):
        trained = [sum(row[:number], _ZERO) for row in profits]
        sound = [index for index in range(len(profits)) if not any((index, part) in failed for part in range(number))]
        chosen = max(sound, key=lambda index, trained=trained: (trained[index], -index), default=0)  # type: ignore[misc]
        tested = [row[number] for row in profits]
        best = max((it for index, it in enumerate(tested) if (index, number) not in failed), default=max(tested))
        folds.append(Fold(session, number, chosen, trained[chosen], tested[chosen], best))
    return folds


def _outcome(shared: SharedState, sink: _Signature, asset: str) -> Outcome:
    found: dict[str, dict[str, Decimal]] = {}
    for venue, account in sorted(shared.accounts.items()):
        for symbol, position in sorted(account.ledger.positions.items()):
            market = shared.market(venue, symbol)
            if market.instrument is None or not (position.fills or position.funding):
                continue
            settle = market.instrument.settle
            sums = found.setdefault(settle, dict.fromkeys(_SUMS, _ZERO))
            sums["realized"] += position.realized_pnl
            sums["funding"] += position.funding
            sums["turnover"] += position.turnover
            sums["fees"] += position.fees.get(settle, _ZERO)
            if position.size and all(market.book.levels()):
                sums["unrealized"] += position.unrealized(market.book.mid)
    if len(found) > 1 and not asset:
        raise WrongUse(
            f"what was traded settles in {', '.join(sorted(found))}, and nobody says what one is worth in another: --asset names "
            "the one that is counted, PnL in others stands beside it"
        )
    counted = asset or next(iter(found), "")
    totals = found.pop(counted, None) or dict.fromkeys(_SUMS, _ZERO)
    failed = "; ".join(f"{name}: {error}" for name, error in sorted(shared.failed.items()))
    return Outcome(
        _pnl(totals), **totals, intents=sink.intents, fills=sink.fills, failed=failed, digest=sink.digest.hexdigest(),
        asset=counted, elsewhere={other: _pnl(sums) for other, sums in sorted(found.items())},
    )  # fmt: skip


def _pnl(sums: Mapping[str, Decimal]) -> Decimal:
    return sums["realized"] + sums["unrealized"] + sums["fees"] + sums["funding"]
