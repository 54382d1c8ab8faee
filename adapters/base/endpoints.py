"""One REST endpoint: method, path, rate pool, whether it is signed, and where it is documented."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`pool` names the rate budget that a request draws from; `op` is the same action's name on an order socket."""

    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    pool: str
    auth: bool
    docs: str
    op: str = ""
