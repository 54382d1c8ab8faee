"""What can be wrong with a configuration though every word of it is known: found before anything is opened or sent."""

from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import urlsplit

from adapters import venue as find_venue
from adapters.base.settings import Capabilities, MarketChannel
from app.config import RunConfig, StrategyConfig, VenueConfig
from app.linting import refuse_impure
from state.errors import ConfigurationError
from streams.risk import Quoting, RiskLimits, check_feasible
from streams.strategies.registry import find, read_params


def check_config(config: RunConfig) -> None:
    """Raises `ConfigurationError` or `WrongUse`."""
    _require_distinct("venues", [line.name for line in config.venues])
    for line in config.venues:
        _check_venue(line, find_venue(line.name).capabilities)
    _require_distinct("strategies", [known.name or known.strategy for known in config.strategies])
    followed = {(line.name, symbol): line.channels for line in config.venues for symbol in line.symbols}
    for known in config.strategies:
        _check_strategy(known, followed, config.risk)


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


def _check_strategy(
    known: StrategyConfig, followed: Mapping[tuple[str, str], Sequence[MarketChannel]], limits: RiskLimits | None
) -> None:
    name = known.name or known.strategy
    refuse_impure(known.strategy)
    params: object = read_params(known.strategy, find(known.strategy).params, known.params)
    venue, symbol = getattr(params, "venue", None), getattr(params, "symbol", None)
    if isinstance(venue, str) and isinstance(symbol, str) and (venue, symbol) not in followed:
        markets = _listed(f"{venue} {symbol}" for venue, symbol in sorted(followed))
        raise ConfigurationError(f"strategy {name} trades {venue} {symbol}, which no venue here follows: {markets}")
    if isinstance(params, Quoting) and "book" not in followed.get((str(venue), str(symbol)), ("book",)):
        raise ConfigurationError(f"strategy {name} could never quote: the channels of {venue} are without `book`")
    if limits is not None and isinstance(params, Quoting):
        try:
            check_feasible(params, limits)
        except ConfigurationError as error:
            raise ConfigurationError(f"strategy {name}: {error}") from error


def _require_distinct(what: str, names: Sequence[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigurationError(f"two {what} have one name: {_listed(twice)}")


def _listed(words: Iterable[object]) -> str:
    return ", ".join(map(str, words))
