"""What has been done to a block, read from its marks: they still tell the records that were written, in their order."""

import struct
from collections.abc import Sequence
from typing import Literal, TypeAlias

import msgspec

from state.errors import LogCorrupt, SchemaUnknown
from state.log.upcast import as_written

Deed: TypeAlias = Literal["edited", "inserted", "deleted", "duplicated", "reordered", "replaced", "clock"]


def diagnose(parts: Sequence[bytes | msgspec.Raw], found: bytes, written: bytes) -> tuple[int, Deed, str]:
    """Where the first record stands that was not written there, what was done, and a sentence on it.

    `found` are the marks of `parts`, `written` the stored ones, and they differ.
    """
    here, due = _numbers(found), _numbers(written)
    shorter = min(len(here), len(due))
    first = next((at for at in range(shorter) if here[at] != due[at]), shorter)
    same = next((at for at in range(shorter - first) if here[-1 - at] != due[-1 - at]), shorter - first)
    new, gone = here[first : len(here) - same], due[first : len(due) - same]
    if not gone and not new:
        return first, "edited", "the marks of this block are damaged"
    if not gone:
        own = {bytes(part) for part in (*parts[:first], *parts[first + len(new) :])}
        if all(bytes(part) in own for part in parts[first : first + len(new)]):
            return first, "duplicated", f"{_records(new)} here a second time"
        return first, "inserted", f"{_records(new)} here that nobody wrote"
    if not new:
        return first, "deleted", f"{_records(gone)} missing that were written here"
    if sorted(new) == sorted(gone):
        return first, "reordered", f"{_records(new)} not in the order in which they were written"
    if len(new) != len(gone):
        return first, "replaced", f"{_records(new)} where {len(gone)} others were written"
    if sum(ours != theirs for ours, theirs in zip(new, gone, strict=True)) == 1 and _is_out_of_time(parts, first):
        return first, "clock", "this record is not the one that was written, and its time of receipt is out of line"
    return first, "edited", "this record is not the one that was written here: its mark differs"


def _records(marks: Sequence[int]) -> str:
    return "1 record is" if len(marks) == 1 else f"{len(marks)} records are"


def _numbers(marks: bytes) -> Sequence[int]:
    whole = len(marks) // 2
    return struct.unpack(f"<{whole}H", marks[: 2 * whole])


def _is_out_of_time(parts: Sequence[bytes | msgspec.Raw], at: int) -> bool:
    """True where a record was received before the one that stands before it, or after the one behind it."""
    try:
        times = [as_written(part).recv for part in parts[max(0, at - 1) : at + 2]]
    except (LogCorrupt, SchemaUnknown):
        return False
    return times != sorted(times)
