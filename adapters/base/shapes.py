"""Types of what venues put into their frames, and one object in two spellings.

A market number is a float read straight from the venue's text; one that is negative, not finite or no number does not fit.
"""

from collections.abc import Callable
from operator import attrgetter
from typing import Annotated, Any, TypeAlias, TypeVar, cast

from msgspec import NODEFAULT, Meta, defstruct
from msgspec.json import Decoder
from msgspec.structs import fields

Number: TypeAlias = Annotated[float, Meta(ge=0, lt=1e300)]
Signed: TypeAlias = Annotated[float, Meta(gt=-1e300, lt=1e300)]
Levels: TypeAlias = list[tuple[Number, Number]]
# A time in ms whose ns still fit 64 bits; an id that does.
Millis: TypeAlias = Annotated[int, Meta(ge=0, le=9_000_000_000_000)]
Id: TypeAlias = Annotated[int, Meta(ge=0, le=2**63 - 1)]
T = TypeVar("T")


def respelt(shape: type[T], **names: str) -> type[T]:
    """The same Struct, its fields spelt as `names` says; a field that has no word there keeps its own, and its default."""
    known = [
        (each.name, each.type) if each.default is NODEFAULT else (each.name, each.type, each.default)
        for each in fields(cast(type[Any], shape))
    ]
    return cast(type[T], defstruct(shape.__name__, known, rename=names, gc=False))


def part_of(path: str, shape: type[T]) -> Callable[[bytes], T]:
    """Reads what one field of an answer holds, at the end of its path: `block.header.chain_id`."""
    *outer, name = path.split(".")
    holder: type[Any] = defstruct("Answer", [(name, shape)], gc=False)
    for each in reversed(outer):
        holder = defstruct("Answer", [(each, holder)], gc=False)
    decode, get = Decoder(holder, strict=False).decode, attrgetter(path)
    return lambda body: cast(T, get(decode(body)))
