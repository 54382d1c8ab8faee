"""What the documents say is what there is."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_the_strategy_in_the_readme_is_the_example_that_the_tests_run() -> None:
    block = re.search(r"```python\n# (examples/\S+)\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert block is not None
    assert block[2].strip() in (ROOT / block[1]).read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_named_as_a_path_exists(page: Path) -> None:
    named = re.findall(
        r"`((?:state|streams|adapters|replay|app|examples|benchmarks|docs|tests)/[\w./-]+)`", page.read_text()
    )
    missing = [name for name in named if not (ROOT / name).exists()]
    assert missing == []


def test_the_readme_shows_what_the_demonstration_printed() -> None:
    text = (ROOT / "README.md").read_text()
    assert "the same to the bit" in text
    assert "clean" in text
