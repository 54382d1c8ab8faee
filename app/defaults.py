"""What a command takes where the person said nothing: the markets of a session, and the least sensible size in each."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation

import msgspec

from adapters.paper import PaperSettings
from replay.rebuild import rebuild
from state.errors import ConfigurationError, WrongUse
from state.instruments import Instrument
from state.log import Log, SessionRow
from state.manifest import Manifest
from state.market import Market
from streams.strategies.registry import find

_NOTIONALS = 4  # a default order is worth this many times the venue's minimum, so that rounding cannot undercut it
_POSITIONS = 10  # and a default position is this many orders


def parse_settings(words: Sequence[str]) -> tuple[dict[str, object], PaperSettings]:
    """`size=0.01` is the strategy's, `paper.order_latency_ms=5` the paper venue's; raises `ConfigurationError`."""
    params: dict[str, object] = {}
    paper: dict[str, object] = {}
    for word in words:
        key, equals, text = word.partition("=")
        if not equals or not key:
            raise ConfigurationError(f"--set takes KEY=VALUE, not {word!r}")
        if key.startswith("paper."):
            paper[key.removeprefix("paper.")] = _value(text)
        else:
            params[key] = _value(text)
    try:
        settings = msgspec.convert(paper, PaperSettings)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"paper: {error}") from error
    return params, settings


def markets_of(log: Log, row: SessionRow) -> list[Market]:
    """Markets of a session that have a book at its end."""
    shared = rebuild(log, row.id)
    return [market for _, market in sorted(shared.markets.items()) if any(market.book.levels())]


def simulated_strategies(
    row: SessionRow, kind: str, params: Mapping[str, object], markets: Callable[[], Sequence[Market]]
) -> list[tuple[str, dict[str, object]]]:
    """Name and parameters of each strategy to simulate: as the session ran it where it did, else one a market.

    One whose parameters name no market knows itself where it trades, and is simulated once.
    `markets` are the session's, asked for only where they are needed. Raises `WrongUse` where none could be traded.
    """
    ran = [known for known in Manifest.parse(row.manifest).strategies if known.strategy == kind]
    if ran:
        if params.keys() & {"venue", "symbol"}:
            _tradable(row, params, markets())
        return [(known.name, {**msgspec.json.decode(known.params, type=dict[str, object]), **params}) for known in ran]
    accepted = find(kind).params
    if accepted is None or not {"venue", "symbol"} & set(accepted.__struct_fields__):
        return [(kind, dict(params))]
    chosen = []
    for market in _tradable(row, params, markets()):
        fields = {**_market_fields(accepted.__struct_fields__, market), **params}
        chosen.append((f"{kind}-{market.venue}-{market.symbol}", fields))
    return chosen


def _tradable(row: SessionRow, params: Mapping[str, object], markets: Sequence[Market]) -> list[Market]:
    """Those of the venue and symbol that were asked for."""
    wanted = [
        market
        for market in markets
        if params.get("venue", market.venue) == market.venue and params.get("symbol", market.symbol) == market.symbol
    ]
    known = [market for market in wanted if market.instrument is not None]
    if wanted and not known:
        names = ", ".join(f"{market.venue} {market.symbol}" for market in wanted)
        raise WrongUse(
            f"session {row.id} does not say the rules (tick, lot) of {names}: no frame of its recording does"
        )
    if not known:
        raise WrongUse(f"session {row.id} has no such market with a book")
    return known


def _market_fields(names: Sequence[str], market: Market) -> dict[str, object]:
    """Venue, symbol and sizes, where the parameters have such."""
    assert market.instrument is not None
    size = least_size(market.instrument, market.book.mid)
    fields: dict[str, object] = {
        "venue": market.venue,
        "symbol": market.symbol,
        "size": str(size),
        "max_position": str(size * _POSITIONS),
    }
    return {name: value for name, value in fields.items() if name in names}


def least_size(instrument: Instrument, price: float) -> Decimal:
    """A small order that the venue would take at this price and around it."""
    worth = instrument.min_notional * _NOTIONALS / Decimal(repr(price)) if price > 0 else instrument.min_size
    steps = -(-max(worth, instrument.min_size) // instrument.lot)
    return steps * instrument.lot


def _value(text: str) -> object:
    """A number where it reads as one, a truth where it is one, JSON where it is a list, else the word.

    Money is made of a number's shortest text.
    """
    if text.startswith("["):
        try:
            return msgspec.json.decode(text)
        except msgspec.DecodeError as error:
            raise ConfigurationError(f"{text} is not a list in JSON: {error}") from error
    if text in ("true", "false"):
        return text == "true"
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    if not number.is_finite():
        return text
    return (
        int(number)
        if number == number.to_integral_value() and "." not in text and "e" not in text.lower()
        else float(text)
    )
