"""`tapeline request`: what would be sent to a venue, and nothing is."""

import os
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, NoReturn

import msgspec
import typer

from adapters import Venue
from adapters import venue as venue_of
from adapters.base.client import SignedRequest
from adapters.base.exchange import Exchange
from adapters.base.query import Arguments, Query, parse_arguments
from adapters.base.settings import Environment, VenueSettings
from app.options import JsonOption, UnreadLogOption, VenueArgument
from app.output import print_json
from state.clock import WallClock
from state.errors import WrongUse
from state.events import AmendOrder, AnyEvent, CancelOrder, Intent, PlaceOrder
from state.record import Frame
from state.secrets import UNCLEAN, Credentials, Secret

ENVIRONMENTS: tuple[Environment, ...] = ("mainnet", "testnet", "demo")


class RequestFact(msgspec.Struct):
    """The exact request; `body` is empty where none is sent."""

    method: str
    url: str
    headers: dict[str, str]
    body: str


def request(
    venue: VenueArgument,
    action: Annotated[str, typer.Argument(metavar="ACTION", help="One of the actions that `tapeline venues` shows.")],
    arguments: Annotated[str, typer.Argument(metavar="JSON", help="The intent's fields, a list of them, or a query.")],
    key: Annotated[str, typer.Option("--key", metavar="K", help="The API key; else TAPELINE_<VENUE>_KEY.")] = "",
    secret: Annotated[
        str, typer.Option("--secret", metavar="S", help="Its secret; else TAPELINE_<VENUE>_SECRET.")
    ] = "",
    passphrase: Annotated[
        str,
        typer.Option(
            "--passphrase",
            metavar="P",
            help="Its third word, where the venue has one; else TAPELINE_<VENUE>_PASSPHRASE.",
        ),
    ] = "",
    now_ms: Annotated[
        int | None, typer.Option("--now-ms", metavar="T", min=0, help="The time to sign; else now.")
    ] = None,
    given: Annotated[
        str, typer.Option("--given", metavar="JSON", help="What the venue would have told, where a request needs it.")
    ] = "",
    environment: Annotated[str, typer.Option("--environment", help=f"One of {', '.join(ENVIRONMENTS)}.")] = "mainnet",
    instruments: Annotated[
        Path | None,
        typer.Option(
            "--instruments", metavar="FILE", help="The venue's answer with its instruments, for contract sizes."
        ),
    ] = None,
    log: UnreadLogOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print method, URL, headers and body of a signed request as one JSON object; nothing is sent."""
    found = venue_of(venue)
    if action not in found.capabilities.actions:
        raise WrongUse(f"{venue} has no action {action!r}; known: {', '.join(found.capabilities.actions)}")
    asked = parse_arguments(venue, action, arguments)
    _check(action, asked)
    where = next((known for known in ENVIRONMENTS if known == environment), None)
    if where is None:
        raise WrongUse(f"there is no environment {environment!r}; known: {', '.join(ENVIRONMENTS)}")
    exchange = found.exchange(
        VenueSettings(venue, found.market, where),
        _Nowhere(),
        WallClock(),
        "request",
        _credentials(found, key, secret, passphrase),
        _Unconnected(),
    )
    if instruments is not None:
        _learn(exchange, instruments)
    if given:
        exchange.given(given)
    if exchange.credentials is None and exchange.build(action, asked).endpoint.auth:
        prefix = _prefix(found)
        raise WrongUse(f"{action} is signed: give --key and --secret, or set {prefix}_KEY and {prefix}_SECRET")
    signed = exchange.request(action, asked, now_ms)
    print_json(RequestFact(signed.method, signed.url, dict(signed.headers), signed.body.decode()))


def _learn(exchange: Exchange, path: Path) -> None:
    """Raises `WrongUse` for a file that is no such answer."""
    try:
        exchange.read("instruments", path.read_bytes(), Query())
    except OSError as error:
        raise WrongUse(f"cannot read {path}: {error.strerror}") from None
    except (msgspec.DecodeError, ValueError, ArithmeticError) as error:
        raise WrongUse(f"{path} is no answer with instruments: {error}") from None


class _Nowhere:
    """An inbox that nothing may reach: nothing is sent, so nothing comes back."""

    def feed(self, recv: int, events: Sequence[AnyEvent], cause: int = 0, frame: Frame | None = None) -> NoReturn:
        raise AssertionError("a request that is only shown was answered")


class _Unconnected:
    """A transport that reaches nobody, whatever asks it: that nothing is sent is not left to who builds the request."""

    async def open(self, url: str, ping_s: float = 0.0) -> NoReturn:
        raise AssertionError("a request that is only shown opened a socket")

    async def request(self, request: SignedRequest, timeout_s: float) -> NoReturn:
        raise AssertionError("a request that is only shown was sent")

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("a request that is only shown waited for something")

    async def close(self) -> None:
        pass


def _prefix(venue: Venue) -> str:
    return f"TAPELINE_{venue.name.upper().replace('.', '_')}"


def _credentials(venue: Venue, key: str, secret: str, passphrase: str) -> Credentials | None:
    """From the command line as a pair, else from the environment; None where neither has one."""
    prefix = _prefix(venue)
    if bool(key) != bool(secret):
        raise WrongUse("--key and --secret go together")
    if not key:
        key, secret = os.environ.get(f"{prefix}_KEY", ""), os.environ.get(f"{prefix}_SECRET", "")
    if not key or not secret:
        return None
    keys = Credentials(Secret(key), Secret(secret), Secret(passphrase or os.environ.get(f"{prefix}_PASSPHRASE", "")))
    for name in keys.unclean():
        raise WrongUse(f"the {name} {UNCLEAN}")
    return keys


def _check(action: str, asked: Arguments) -> None:
    """Raises `WrongUse` for an intent that no venue could mean anything by."""
    if isinstance(asked, Sequence):
        if not asked:
            raise WrongUse(f"{action}: the list is empty")
        for number, intent in enumerate(asked):
            _check_intent(f"{action}[{number}]", intent)
    elif isinstance(asked, PlaceOrder | AmendOrder | CancelOrder):
        _check_intent(action, asked)


def _check_intent(action: str, intent: Intent) -> None:
    if isinstance(intent, PlaceOrder | AmendOrder | CancelOrder) and not intent.symbol:
        raise WrongUse(f"{action}: the symbol is empty")
    if isinstance(intent, AmendOrder | CancelOrder) and not intent.client_id:
        raise WrongUse(f"{action}: the client_id is empty")
    if isinstance(intent, PlaceOrder | AmendOrder):
        _check_number(f"{action}: size", intent.size)
        if intent.price is not None:
            _check_number(f"{action}: price", intent.price)


def _check_number(what: str, number: Decimal) -> None:
    if not number.is_finite() or number <= 0:
        raise WrongUse(f"{what} {number} is not positive")
