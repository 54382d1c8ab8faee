"""The page of venues is what the code says."""

from pathlib import Path

from app.commands.venues import page

PAGE = Path(__file__).resolve().parents[2] / "docs" / "venues.md"


def test_the_page_of_venues_is_the_table_that_the_code_has() -> None:
    assert PAGE.read_text() == page(), "write it anew, as its second paragraph says"
