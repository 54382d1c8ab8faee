"""Orders that are replaced where others are amended: what is kept of one that is amended all night."""

from decimal import Decimal

from adapters.base import lives as lives_module
from adapters.base.lives import Lives

D = Decimal
NIGHT = 5_000


def amended_all_night(lives: Lives) -> int:
    """Every tenth id fills a little before it is replaced; the last rests."""
    for oid in range(1, NIGHT + 1):
        lives.tell("c", oid, D(0))
        if oid % 10 == 0:
            lives.fill("c", oid, D("0.001"))
        if oid < NIGHT:
            lives.tell("c", oid, D("0.001") if oid % 10 == 0 else D(0))
    return NIGHT


def test_only_the_latest_ids_are_kept_and_nothing_filled_is_lost() -> None:
    lives = Lives()
    last = amended_all_night(lives)
    assert len(lives._lives["c"]) == lives_module.LIVES_KEPT
    assert lives.filled("c") == D("0.500")
    assert lives.filled("c", last) == D("0.499")
    assert (lives.latest("c"), lives.former("c", last)) == (last, last - 1)


def test_a_word_of_a_forgotten_id_changes_nothing_and_one_of_a_kept_id_counts() -> None:
    lives = Lives()
    last = amended_all_night(lives)
    lives.fill("c", 10, D("0.001"))
    lives.tell("c", 10, D("0.001"))
    assert lives.is_replaced("c", 10)
    assert lives.filled("c") == D("0.500")
    lives.fill("c", last - 3, D("0.002"))
    assert lives.filled("c") == D("0.502")
