"""What the documents say is what there is."""

import re
from pathlib import Path
from typing import get_type_hints

import pytest

from adapters.paper import PaperSettings
from app.config import RunConfig, StrategyConfig, VenueConfig
from streams.quoting import Costs
from streams.risk import Bounds, DeskLimits, RiskLimits

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


SETTINGS = {
    "a configuration": (RunConfig, "live.md"),
    "a venue of it": (VenueConfig, "live.md"),
    "a strategy of it": (StrategyConfig, "live.md"),
    "a paper venue": (PaperSettings, "simulation.md"),
    "a desk": (DeskLimits, "risk.md"),
    "a bound": (Bounds, "risk.md"),
    "limits of orders": (RiskLimits, "strategies.md"),
    "costs of messages": (Costs, "quoting.md"),
}


@pytest.mark.parametrize(("settings", "page"), SETTINGS.values(), ids=SETTINGS)
def test_every_key_that_may_be_set_is_on_its_page(settings: type, page: str) -> None:
    text = (ROOT / "docs" / page).read_text()
    assert [name for name in get_type_hints(settings) if not re.search(rf"`[^`]*\b{name}\b[^`]*`", text)] == []


def test_the_readme_shows_what_the_demonstration_printed() -> None:
    text = (ROOT / "README.md").read_text()
    assert "the same to the bit" in text
    assert "clean" in text
