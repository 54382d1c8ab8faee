"""The configuration of a live session: a TOML file read strictly, wrong words named at once."""

import os
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from adapters.base.settings import Environment, ForeignOrders, MarketChannel
from adapters.paper import PaperSettings
from state.errors import ConfigurationError
from state.secrets import UNCLEAN, Credentials, Secret
from streams.risk import RiskLimits

LONGEST_TIMEOUT_S = 3_600
StopPolicy = Literal["cancel", "flatten", "leave"]


class VenueConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One venue: where it is, which markets are followed, and whether orders are matched here (`paper`).

    `dead_man_s` is the window of the venue's dead-man's switch, which is kept armed where it has one; 0 leaves it alone.
    `check_every_s` is how often the account is compared with what the streams told. `foreign_orders` are those of the account
    that are not ours: left alone, adopted (they rest on, and end when the session ends), or cancelled at the start and the end.
    """

    name: str
    symbols: list[str]
    environment: Environment = "mainnet"
    channels: tuple[MarketChannel, ...] = ("book", "trades", "ticker")
    book_depth: int = 50
    candle_intervals_s: list[int] = []
    order_entry: Literal["ws", "rest"] = "ws"
    paper: bool | PaperSettings = False
    trade: bool = True
    dead_man_s: int = 60
    request_timeout_s: float = 5.0
    check_every_s: float = 300.0
    rest_url: str = ""
    public_url: str = ""
    private_url: str = ""
    trade_url: str = ""
    key_file: str = ""
    market_frames: bool = False
    order_life_s: float | None = None
    foreign_orders: ForeignOrders = "leave"

    @property
    def intervals_s(self) -> list[int]:
        """Of the candles that are followed."""
        return self.candle_intervals_s or ([60] if "candles" in self.channels else [])


class StrategyConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One strategy: its name in the session, what it is (a registered name or module:function), its parameters.

    One in the shadow sends nothing: it trades with a paper account on the session's market data, in a session of its own.
    """

    strategy: str
    name: str = ""
    params: dict[str, object] = {}
    shadow: bool = False


class RunConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A live session; `earlier_orders` are those that earlier sessions of its log left resting.

    `log_key` is the file of the key that the session is stored under, encrypted; empty for none.
    `max_loss` is, by settling asset, what the session may lose before it cancels, flattens and ends.
    """

    venues: list[VenueConfig]
    strategies: list[StrategyConfig] = []
    risk: RiskLimits | None = None
    log: str = ""
    log_key: str = ""
    seed: Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)] = 0
    stop: StopPolicy = "cancel"
    max_loss: dict[str, Decimal] = {}
    shadow: PaperSettings = PaperSettings()  # what fills the orders of strategies in the shadow
    earlier_orders: Literal["cancel", "leave"] = "cancel"
    snapshot_every: Annotated[int, msgspec.Meta(ge=1)] = 50_000


def read_config(path: Path) -> RunConfig:
    """Raises `ConfigurationError` with one line that names the file and the word that does not fit."""
    try:
        config = msgspec.toml.decode(path.read_bytes(), type=RunConfig)
    except FileNotFoundError:
        raise ConfigurationError(f"{path}: there is no such file") from None
    except IsADirectoryError:
        raise ConfigurationError(f"{path}: is a folder, not a file") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: {error}") from error
    if not config.venues:
        raise ConfigurationError(f"{path}: names no venue")
    for asset, most in config.max_loss.items():
        if not most.is_finite() or most <= 0:
            raise ConfigurationError(f"{path}: max_loss of {asset} must be more than zero, not {most}")
    for venue in config.venues:
        if not venue.symbols:
            raise ConfigurationError(f"{path}: venue {venue.name} has no symbols")
        if not (venue.request_timeout_s > 0 and venue.check_every_s > 0):
            raise ConfigurationError(f"{path}: request_timeout_s and check_every_s of {venue.name} must be above zero")
        if venue.request_timeout_s > LONGEST_TIMEOUT_S:
            raise ConfigurationError(
                f"{path}: request_timeout_s of {venue.name} is at most {LONGEST_TIMEOUT_S}: until then an order's outcome is open"
            )
        if venue.dead_man_s < 0:
            raise ConfigurationError(f"{path}: dead_man_s of venue {venue.name} is a time in seconds, or 0 for none")
    return config


def credentials(config: VenueConfig) -> Credentials | None:
    """Keys from `key_file`, else from TAPELINE_<VENUE>_KEY and _SECRET; None for a session that cannot trade.

    Raises `ConfigurationError` for a key file that is missing, readable by others, or incomplete, for keys that cannot be
    what the venue gave, and where a venue that is to trade has no keys at all.
    """
    if config.paper is not False or not config.trade:
        return None
    if config.key_file:
        return _from_file(Path(config.key_file).expanduser())
    prefix = f"TAPELINE_{config.name.upper().replace('.', '_')}"
    key, secret = os.environ.get(f"{prefix}_KEY", ""), os.environ.get(f"{prefix}_SECRET", "")
    if not key or not secret:
        raise ConfigurationError(
            f"venue {config.name} has no keys: set {prefix}_KEY and {prefix}_SECRET or key_file, "
            "or say `paper = true` or `trade = false`"
        )
    keys = Credentials(Secret(key), Secret(secret), Secret(os.environ.get(f"{prefix}_PASSPHRASE", "")))
    for name in keys.unclean():
        raise ConfigurationError(f"{prefix}_{name.upper()} {UNCLEAN}")
    return keys


class _KeyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    key: str
    secret: str
    passphrase: str = ""


def _from_file(path: Path) -> Credentials:
    try:
        mode = path.stat().st_mode
        body = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"key file {path}: {error.strerror}") from None
    if mode & 0o077:
        raise ConfigurationError(f"key file {path} can be read by others: chmod 600 it")
    try:
        said = msgspec.toml.decode(body, type=_KeyFile)
    except (msgspec.DecodeError, UnicodeDecodeError):
        said = _KeyFile("", "")  # the parser's own words could quote the file
    if not said.key or not said.secret:
        raise ConfigurationError(f'key file {path}: it must say key = "…" and secret = "…"')
    keys = Credentials(Secret(said.key), Secret(said.secret), Secret(said.passphrase))
    for name in keys.unclean():
        raise ConfigurationError(f"key file {path}: {name} {UNCLEAN}")
    return keys
