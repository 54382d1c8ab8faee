"""Under which assumptions a session's orders met a paper venue, as its manifest has them."""

from typing import Final

import msgspec

from adapters.paper import PaperSettings
from state.manifest import Manifest

_SIMULATED: Final = ("simulation", "shadow")  # of which one answer is every venue's; others configure each venue


def assumed(manifest: Manifest) -> dict[str, PaperSettings]:
    """Settings by venue, those of every venue under the empty name; a venue that was real is not in it."""
    if manifest.source in _SIMULATED:
        one = msgspec.json.decode(manifest.paper, type=PaperSettings | None)
        return {} if one is None else {"": one}
    said = msgspec.json.decode(manifest.paper, type=dict[str, PaperSettings | None] | None) or {}
    return {venue: settings for venue, settings in said.items() if settings is not None}
