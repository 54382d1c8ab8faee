"""`tapeline venues`: what each adapter can do."""

from dataclasses import asdict

from adapters import VENUES, Venue, venue
from adapters import venues as installed_venues
from adapters.loopback import LOOPBACKS
from app.options import JsonOption, UnreadLogOption
from app.output import print_json, print_table

_HEAD = """# Venues

What each adapter can do, as `tapeline venues` prints it; made from the code by
`python -c "from app.commands.venues import page; print(page(), end='')" > docs/venues.md`, and a test keeps it so.
Batches are orders a request: placed, amended, cancelled. A market without private streams is public data.
A dead-man's switch that fires takes the orders of others on the account, too ([live.md](live.md#the-dead-mans-switch)).
"""
_COLUMNS = (
    "venue",
    "market",
    "channels",
    "depths",
    "private",
    "batches",
    "dead-man's switch",
    "environments",
    "loopback",
)


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
    print_table(_COLUMNS, [_row(each) for each in found])


def page() -> str:
    """`docs/venues.md`: the table of the venues that come with us, as the code has it."""
    rows = [_COLUMNS, tuple("---" for _ in _COLUMNS), *(_row(venue(name)) for name in VENUES)]
    return "\n".join([_HEAD, *(f"| {' | '.join(row)} |" for row in rows), ""])


def _row(each: Venue) -> tuple[str, ...]:
    """Orders go to the first of a venue's markets, the others are public data."""
    can = each.capabilities
    trades = each.market == can.markets[0]
    return (
        each.name,
        each.market,
        " ".join(can.channels),
        " ".join(map(str, can.depths)),
        " ".join(can.private) if trades else "",
        f"{can.place_batch}/{can.amend_batch}/{can.cancel_batch}" if trades else "",
        can.dead_man if trades else "",
        " ".join(can.environments),
        "yes" if each.name in LOOPBACKS else "",
    )
