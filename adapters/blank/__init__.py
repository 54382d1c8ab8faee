"""Blank: a venue with every question still open. Each is asked where its answer is needed, so it says loudly what is missing."""

from typing import NoReturn

from state.errors import WrongUse


def unanswered(question: str) -> NoReturn:
    """Raises `WrongUse` with the question."""
    raise WrongUse(f"blank, not answered yet: {question}")
