"""`tapeline loopback`: a venue on localhost that anybody's client can trade at."""

import asyncio
import signal
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from ipaddress import ip_address
from typing import Annotated

import msgspec
import typer

from adapters.loopback import LOOPBACKS, Account, UnusableKeyError, serve
from app.loopback_fact import LoopbackFact
from app.options import JsonOption, UnreadLogOption
from app.output import print_json, print_lines
from state.errors import WrongUse


def loopback(
    venue: Annotated[str, typer.Argument(metavar="VENUE", help=f"One of {', '.join(LOOPBACKS)}.", show_default=False)],
    port: Annotated[int, typer.Option("--port", metavar="P", min=0, max=65535, help="0 takes any free one.")] = 0,
    host: Annotated[str, typer.Option("--host", help="An address of this machine's loopback.")] = "127.0.0.1",
    seed: Annotated[int, typer.Option("--seed", help="Of the order flow: same seed, same flow.")] = 1,
    symbols: Annotated[
        list[str] | None, typer.Option("--symbol", metavar="S", help="One that it lists; may be given often.")
    ] = None,
    flow_per_s: Annotated[float, typer.Option("--flow", min=0, help="Steps of order flow a second.")] = 50.0,
    key: Annotated[str | None, typer.Option("--key", help="The API key of its customer, else the venue's own.")] = None,
    secret: Annotated[str | None, typer.Option("--secret", help="The secret of that key.")] = None,
    passphrase: Annotated[
        str | None, typer.Option("--passphrase", help="The third part of that key, where the venue asks for one.")
    ] = None,
    balance: Annotated[str, typer.Option("--balance", help="What the customer starts with.")] = "100000",
    log: UnreadLogOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run a venue on localhost until Ctrl-C: real wire protocol, matching engine, seeded order flow, test keys."""
    if venue not in LOOPBACKS:
        raise WrongUse(f"there is no loopback venue {venue!r}; there is {', '.join(LOOPBACKS)}")
    listing = LOOPBACKS[venue]
    chosen = symbols or list(listing.contracts)
    for symbol in chosen:
        if symbol not in listing.contracts:
            raise WrongUse(f"the loopback {venue} lists no {symbol!r}; it lists {', '.join(listing.contracts)}")
    customer = listing.customer
    account = replace(
        customer,
        key=key or customer.key,
        secret=secret or customer.secret,
        passphrase=passphrase or customer.passphrase,
        balance=_money(balance),
    )
    asyncio.run(_serve(venue, _loopback_host(host), port, chosen, account, seed, flow_per_s, as_json=as_json))


async def _serve(
    name: str,
    host: str,
    port: int,
    symbols: list[str],
    account: Account,
    seed: int,
    flow_per_s: float,
    *,
    as_json: bool,
) -> None:
    """Serves until a signal asks to stop, or the venue fails."""
    loop = asyncio.get_running_loop()
    started = loop.create_future()
    serving = loop.create_task(
        serve(name, host, port, symbols=symbols, accounts=[account], seed=seed, flow_per_s=flow_per_s, started=started)
    )
    for word in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(word, serving.cancel)
    await asyncio.wait([serving, started], return_when=asyncio.FIRST_COMPLETED)
    if started.done():
        venue = started.result()
        _announce(
            LoopbackFact(
                name,
                venue.rest_url,
                venue.public_url,
                venue.private_url,
                venue.trade_url,
                getattr(venue, "grpc_address", ""),
                account.key,
                account.secret,
                account.passphrase,
                symbols,
            ),
            as_json=as_json,
        )
    try:
        await serving
    except asyncio.CancelledError:
        return
    except UnusableKeyError as unusable:
        raise WrongUse(str(unusable)) from None


def _announce(fact: LoopbackFact, *, as_json: bool) -> None:
    if as_json:
        print_json(fact)
        return
    said = msgspec.structs.asdict(fact) | {"symbols": " ".join(fact.symbols)}
    for name in ("grpc_address", "passphrase"):
        if not said[name]:
            del said[name]
    print_lines(f"{name.replace('_', ' '):<12} {value}".encode() for name, value in said.items())


def _loopback_host(host: str) -> str:
    """An IPv4 address of the loopback; raises `WrongUse` for anything that others could reach."""
    if host == "localhost":
        return "127.0.0.1"
    try:
        address = ip_address(host)
    except ValueError:
        address = None
    if address is None or address.version != 4 or not address.is_loopback:
        raise WrongUse(f"a loopback venue listens on 127.0.0.1 or another 127.x.x.x, not on {host!r}")
    return host


def _money(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal(-1)
    if not amount.is_finite() or amount < 0:
        raise WrongUse(f"a balance is a number that is not negative, not {text!r}")
    return amount
