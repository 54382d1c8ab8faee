"""What every loopback venue is to whoever serves it and to whoever tests against it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from adapters.loopback.faults import Faults, Place
from adapters.loopback.floor import Floor
from adapters.loopback.ledger import Account
from adapters.loopback.symbols import Contract
from adapters.loopback.truth import BookView, Truth


class LoopbackVenue(Protocol):
    """A venue on localhost: where it listens, what may be done to it and what may be seen of it."""

    faults: Faults
    floor: Floor

    @property
    def rest_url(self) -> str: ...

    @property
    def public_url(self) -> str: ...

    @property
    def private_url(self) -> str: ...

    @property
    def trade_url(self) -> str: ...

    @property
    def books(self) -> dict[str, BookView]: ...

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None: ...

    async def stop(self) -> None: ...

    def step(self, steps: int = 1) -> None: ...

    def publish(self) -> None: ...

    def pace(self, flow_per_s: float) -> None: ...

    def cut_sockets(self, place: Place) -> int: ...

    def truth(self, key: str) -> Truth: ...


class Opening(Protocol):
    """Makes a venue; with `flow_per_s` above zero its market moves by itself once it is started."""

    def __call__(
        self,
        *,
        symbols: Iterable[str],
        seed: int,
        accounts: Iterable[Account],
        flow_per_s: float,
        clock: Callable[[], int] = ...,
    ) -> LoopbackVenue: ...


@dataclass(frozen=True, slots=True)
class Listing:
    """A venue that can be opened by name: what it lists, and who trades there unless told otherwise."""

    opens: Opening
    contracts: Mapping[str, Contract]
    customer: Account
