"""How the suite is run: which venues, what each offers, and where the scorecard goes."""

import asyncio
from collections.abc import Generator, Mapping
from functools import cache
from pathlib import Path

import pytest

from adapters import Venue
from adapters.conformance.recording import Recording, recorded
from adapters.conformance.scorecard import Scorecard
from adapters.conformance.stage import How, Play, Stage, Story, stage
from adapters.conformance.subject import Feature, Subject, subject_of, subjects
from state.errors import WrongUse

NOT_OFFERED = "not offered: "

_recordings = pytest.StashKey[dict[str, Recording]]()
_scorecard = pytest.StashKey[Scorecard]()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(*features): what a venue may lack, and then the case is not offered")
    config.stash[_recordings] = {}
    config.stash[_scorecard] = Scorecard()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "name" not in metafunc.fixturenames:
        return
    try:
        names = [name for name in metafunc.config.getoption("--venue", []) if subject_of(name)] or _everyone()
    except WrongUse as error:
        raise pytest.UsageError(str(error)) from None
    metafunc.parametrize("name", names, scope="session")


@cache
def _everyone() -> tuple[str, ...]:
    return tuple(subjects())


@cache
def _lacks(name: str) -> Mapping[Feature, str]:
    """Asked for each case: a declaration is made anew for whoever asks for it whole."""
    return subject_of(name)[1].lacks


@pytest.fixture(scope="session")
def declared(name: str) -> tuple[Venue, Subject]:
    return subject_of(name)


@pytest.fixture(scope="session")
def found(declared: tuple[Venue, Subject]) -> Venue:
    return declared[0]


@pytest.fixture(scope="session")
def subject(declared: tuple[Venue, Subject]) -> Subject:
    return declared[1]


def lacking(item: pytest.Item, name: str) -> str:
    """Why the venue does not offer a case, empty where it does."""
    lacks = _lacks(name)
    needs = [feature for mark in item.iter_markers("needs") for feature in mark.args]
    if isinstance(item, pytest.Function):
        needs.append(item.callspec.params.get("entry"))
    return next((lacks[feature] for feature in needs if feature in lacks), "")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where no venue is named, what one does not offer is no case of it."""
    if config.getoption("--venue", []):
        return
    lacked = [item for item in items if (name := venue_of(item)) and lacking(item, name)]
    if lacked:
        config.hook.pytest_deselected(items=lacked)
        items[:] = [item for item in items if item not in lacked]


def venue_of(item: pytest.Item) -> str:
    """The venue that a case is about; empty for a test that is none of ours."""
    if isinstance(item, pytest.Function) and "declared" in item.fixturenames and hasattr(item, "callspec"):
        return str(item.callspec.params.get("name", ""))
    return ""


@pytest.fixture(autouse=True)
def _is_offered(request: pytest.FixtureRequest) -> None:
    """Skips what the venue says it lacks."""
    if (name := venue_of(request.node)) and (why := lacking(request.node, name)):
        pytest.skip(NOT_OFFERED + why)


@pytest.fixture
def play(found: Venue, subject: Subject) -> Play:
    """Plays a story on a stage of its own; nothing fatal may be said on it, unless that is what the story is about."""

    def played(story: Story, *, is_fatal: bool = False, **how: object) -> Stage:
        async def run() -> Stage:
            async with stage(found, subject, How(**how)) as on:  # type: ignore[arg-type]
                await story(on)
                assert is_fatal or not on.fatal, on.fatal
            return on

        return asyncio.run(run())

    return played


@pytest.fixture
def recording(found: Venue, subject: Subject, request: pytest.FixtureRequest) -> Recording:
    """Every frame that the loopback sent in a session that saw everything, with what the adapter read from it."""
    kept = request.config.stash[_recordings]
    if found.name not in kept:
        kept[found.name] = asyncio.run(recorded(found, subject))
    return kept[found.name]


# --- the scorecard ---


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if (name := venue_of(item)) and isinstance(item, pytest.Function):
        sentence = (item.function.__doc__ or item.name).strip().splitlines()[0]
        words = [f"[{word}]" for key, word in item.callspec.params.items() if key != "name"]
        part = item.path.stem.removeprefix("test_")
        item.config.stash[_scorecard].note(name, part, item.name, " ".join([sentence, *words]), report)
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    path = session.config.getoption("--scorecard", None)
    if path:
        Path(path).write_bytes(session.config.stash[_scorecard].encode())
