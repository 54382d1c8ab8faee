"""A secret tells itself by one word only."""

import copy
import json
import logging
import pickle
import traceback

import msgspec
import pytest

from state.secrets import Credentials, Secret

WORD = "kD9-very-secret"


@pytest.mark.parametrize(
    "shown",
    [
        str,
        repr,
        "{}".format,
        "{!r}".format,
        "{:>20}".format,
        lambda secret: f"{secret}",
        lambda secret: f"{secret!r:>30}",
        lambda secret: str([secret]),
        lambda secret: repr(Credentials(secret, secret, secret)),
        lambda secret: str({"key": secret}),
    ],
)
def test_it_prints_as_stars(shown: object) -> None:
    assert callable(shown)
    text = shown(Secret(WORD))
    assert WORD not in text
    assert "***" in text


def test_only_reveal_tells() -> None:
    assert Secret(WORD).reveal() == WORD


def test_an_exception_around_it_does_not_carry_it() -> None:
    carried = (Secret(WORD), Credentials(Secret(WORD), Secret(WORD)))
    with pytest.raises(ValueError, match=r"\*\*\*") as caught:
        raise ValueError(*carried)
    assert WORD not in "".join(traceback.format_exception(caught.value))


def test_a_log_line_does_not_carry_it(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("any").warning("key %s of %r", Secret(WORD), Credentials(Secret(WORD), Secret(WORD)))
    assert WORD not in caplog.text
    assert "***" in caplog.text


@pytest.mark.parametrize(
    "store",
    [pickle.dumps, copy.deepcopy, json.dumps, msgspec.json.encode, msgspec.msgpack.encode],
    ids=["pickle", "deepcopy", "json", "msgspec json", "msgspec msgpack"],
)
def test_nothing_stores_it(store: object) -> None:
    assert callable(store)
    with pytest.raises(TypeError):
        store(Secret(WORD))
    with pytest.raises(TypeError):
        store(Credentials(Secret(WORD), Secret(WORD)))


def test_an_empty_one_is_false() -> None:
    assert not Secret("")
    assert Secret(WORD)
    assert not Credentials(Secret("k"), Secret("s")).passphrase
