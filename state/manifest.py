"""What a session was run with: enough to run it again, and never a secret."""

import platform
from importlib import metadata

import msgspec

from state.errors import LogCorrupt

PACKAGES = ("reactivex", "aiohttp", "msgspec", "orjson", "sortedcontainers", "sqlalchemy", "zstandard")


class StrategyEntry(msgspec.Struct, frozen=True):
    """One strategy of a session: its name there, what it is, and its parameters as JSON."""

    name: str
    strategy: str
    params: msgspec.Raw


class Manifest(msgspec.Struct, frozen=True):
    """Configuration, code and package versions and the seed of one session; stored as JSON."""

    seed: int
    strategies: list[StrategyEntry] = []
    venues: list[str] = []
    symbols: list[str] = []
    risk: msgspec.Raw = msgspec.Raw(b"null")
    paper: msgspec.Raw = msgspec.Raw(b"null")  # what the paper venue assumed, where one was traded at
    source: str = "live"
    tapeline: str = ""
    python: str = ""
    packages: dict[str, str] = {}

    def to_json(self) -> str:
        return msgspec.json.encode(self).decode()

    @classmethod
    def parse(cls, text: str) -> "Manifest":
        """Raises `LogCorrupt` where the log's manifest cannot be read."""
        try:
            return msgspec.json.decode(text, type=cls)
        except msgspec.DecodeError as error:
            raise LogCorrupt(f"the session's manifest cannot be read: {error}") from error


def installed() -> tuple[str, str, dict[str, str]]:
    """Version of Tapeline, of Python, and of the packages that a decision could depend on."""
    return _version("tapeline"), platform.python_version(), {name: _version(name) for name in PACKAGES}


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"
