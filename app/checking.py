"""What can be wrong with a configuration though every word of it is known: found before anything is opened or sent."""

from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from adapters import venue as find_venue
from adapters.base.settings import Capabilities
from app.config import RunConfig, StrategyConfig, VenueConfig
from app.linting import refuse_impure
from state.errors import ConfigurationError
from streams.rehearsal import Asked, rehearse
from streams.risk import Quoting, check_feasible
from streams.strategies.registry import build, find, read_params


def check_config(config: RunConfig) -> None:
    """Raises `ConfigurationError` or `WrongUse`."""
    _require_distinct("venues", [line.name for line in config.venues])
    for line in config.venues:
        _check_venue(line, find_venue(line.name).capabilities)
    _require_distinct("strategies", [known.name or known.strategy for known in config.strategies])
    for known in config.strategies:
        _check_strategy(known, config)


def _check_venue(line: VenueConfig, able: Capabilities) -> None:
    if line.book_depth not in able.depths:
        raise ConfigurationError(f"{line.name} has no book of depth {line.book_depth}; it has {_listed(able.depths)}")
    for name in ("rest_url", "public_url", "private_url", "trade_url"):
        _check_address(line.name, name, getattr(line, name))
    for channel in line.channels:
        if channel not in able.channels:
            raise ConfigurationError(f"{line.name} has no channel {channel}; it has {_listed(able.channels)}")
    if line.environment not in able.environments:
        raise ConfigurationError(
            f"{line.name} has no environment {line.environment}; it has {_listed(able.environments)}"
        )


def _check_address(venue: str, name: str, url: str) -> None:
    if not url:
        return
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https", "ws", "wss") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ConfigurationError(
            f"{venue}: {name} is no address: http(s)://host:port or ws(s)://host:port, not {url!r}"
        )


def _check_strategy(known: StrategyConfig, config: RunConfig) -> None:
    name = known.name or known.strategy
    refuse_impure(known.strategy)
    params: object = read_params(known.strategy, find(known.strategy).params, known.params)
    asked = rehearse(build(known.strategy, known.params, name))
    _check_asked(name, asked, config, is_shadow=known.shadow)
    if not isinstance(params, Quoting):
        return
    without = sorted(line.name for line in config.venues if "book" not in line.channels)
    for venue, _ in asked.markets:
        if venue in without:
            raise ConfigurationError(f"strategy {name} could never quote: the channels of {venue} are without `book`")
    if config.risk is not None:
        try:
            check_feasible(params, config.risk)
        except ConfigurationError as error:
            raise ConfigurationError(f"strategy {name}: {error}") from error


def _check_asked(name: str, asked: Asked, config: RunConfig, *, is_shadow: bool) -> None:
    """What nobody follows would never speak, and the strategy stand still without a word."""
    venues = {line.name: line for line in config.venues}
    followed = sorted((line.name, symbol) for line in config.venues for symbol in line.symbols)
    for venue, symbol in asked.markets:
        if (venue, symbol) not in followed:
            markets = _listed(f"{venue} {symbol}" for venue, symbol in followed)
            raise ConfigurationError(
                f"strategy {name} asks for {venue} {symbol}, which no venue here follows: {markets}"
            )
    for venue, symbol, channel in asked.channels:
        if channel not in venues[venue].channels and not (channel == "candles" and venues[venue].candle_intervals_s):
            raise ConfigurationError(
                f"strategy {name} asks for the {channel} of {venue} {symbol}; {venue} is followed by its channels "
                f"{_listed(venues[venue].channels)}"
            )
    for venue, symbol, interval_s in asked.candles:
        followed_s = venues[venue].intervals_s
        if interval_s not in followed_s:
            raise ConfigurationError(
                f"strategy {name} asks for candles of {interval_s} s of {venue} {symbol}; candle_intervals_s of {venue} "
                f"has {_listed(followed_s)}"
            )
    for venue in asked.accounts:
        if venue not in venues:
            raise ConfigurationError(f"strategy {name} asks for an account at {venue}, which is no venue here")
        if not (is_shadow or venues[venue].trade or venues[venue].paper):
            raise ConfigurationError(
                f"strategy {name} asks for the account at {venue}, which has `trade = false`: say `paper = true`, or "
                "`shadow = true` of the strategy"
            )


def _require_distinct(what: str, names: Sequence[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigurationError(f"two {what} have one name: {_listed(twice)}")


def _listed(words: Iterable[object]) -> str:
    return ", ".join(map(str, words))
