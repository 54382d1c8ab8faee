"""The suite's command line options, as a plugin of pytest: with `--pyargs` it reads no conftest before it reads them."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("adapters.conformance")
    group.addoption("--venue", action="append", default=[], metavar="NAME", help="a venue to hold to the contract")
    group.addoption("--scorecard", metavar="FILE", help="where to write what became of each case, as JSON")
