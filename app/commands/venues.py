"""`tapeline venues`: what each adapter can do."""

from dataclasses import asdict

from adapters import venue
from adapters import venues as installed_venues
from adapters.loopback import LOOPBACKS
from app.options import JsonOption, UnreadLogOption
from app.output import print_json, print_table

_COLUMNS = ("venue", "market", "channels", "depths", "private", "batches", "environments", "loopback")


def venues(log: UnreadLogOption = None, as_json: JsonOption = False) -> None:
    """Show what each adapter can do."""
    found = [venue(name) for name in installed_venues()]
    if as_json:
        print_json(
            [
                {
                    "name": each.name,
                    "market": each.market,
                    **asdict(each.capabilities),
                    "loopback": each.name in LOOPBACKS,
                }
                for each in found
            ]
        )
        return
    rows = []
    for each in found:
        can = each.capabilities
        rows.append(
            (
                each.name,
                each.market,
                " ".join(can.channels),
                " ".join(map(str, can.depths)),
                " ".join(can.private),
                f"{can.place_batch}/{can.amend_batch}/{can.cancel_batch}",
                " ".join(can.environments),
                "yes" if each.name in LOOPBACKS else "",
            )
        )
    print_table(_COLUMNS, rows)
