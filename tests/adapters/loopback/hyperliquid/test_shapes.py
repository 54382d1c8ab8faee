"""The venue's answers and frames have the fields of the recorded ones, and in each the same kind of value."""

from __future__ import annotations

import gzip
import json
import re
from io import TextIOWrapper
from pathlib import Path

import pytest
import zstandard

from adapters.loopback import Account
from tests.adapters.loopback.hyperliquid.hyperliquid_wire import (
    ADDRESS,
    cloid,
    order,
    place,
    started,
    trigger,
)

NUMBER = re.compile(r"-?\d+(\.\d+)?")
HASH = re.compile(r"0x[0-9a-fA-F]{40,64}")
LATER = {
    "l2Book": {"spread"},
    "candleSnapshot": set(),
    "openOrders": {"origSz", "cloid", "reduceOnly"},
    "frontendOpenOrders": {"cloid"},
    "userFills": {"tid", "feeToken", "twapId"},
    "clearinghouseState": {"maxLeverage", "cumFunding", "crossMaintenanceMarginUsed", "time"},
    "userRateLimit": {"nRequestsSurplus"},
    "meta": {"collateralToken", "marginTables", "marginTableId", "isDelisted"},
    "metaAndAssetCtxs": {"collateralToken"},
    "fundingHistory": set(),
    "activeAssetData": set(),
    "spotMeta": set(),
}
"""Fields that the venue has added since the recording: the sheet has them, the cassette does not."""
NOT_HERE = {"maxTradeSzs", "onlyIsolated", "marginMode"}
"""A field that the venue has dropped since, and two of assets that can only be traded on isolated margin."""


def kind(value: object) -> str:
    """What a leaf is, as far as a reader may rely on it."""
    if isinstance(value, str):
        return "number" if NUMBER.fullmatch(value) else "hash" if HASH.fullmatch(value) else "text"
    return type(value).__name__


def fields(value: object, path: str = "") -> dict[str, set[str]]:
    """Every path of a JSON value with the kinds found there; the elements of a list are one."""
    found: dict[str, set[str]] = {path: set()}
    if isinstance(value, dict):
        parts = [(f"{path}.{key}", part) for key, part in value.items()]
    elif isinstance(value, list):
        parts = [(f"{path}[]", part) for part in value]
    else:
        return {path: {kind(value)}}
    for where, part in parts:
        for name, kinds in fields(part, where).items():
            found.setdefault(name, set()).update(kinds)
    return found


def name_of(path: str) -> str:
    return path.rpartition(".")[2].rstrip("[]")


def differences(ours: object, recorded: object, later: set[str] = frozenset()) -> list[str]:
    """Paths that only one of them has, or with another kind of value; null fits everything."""
    mine, theirs = fields(ours), fields(recorded)
    said = [f"missing {path}" for path in theirs if path not in mine and name_of(path) not in NOT_HERE]
    said += [f"made up {path}" for path in mine if path not in theirs and not {*re.split(r"[.\[\]]+", path)} & later]
    for path in mine.keys() & theirs.keys():
        if mine[path] - {"NoneType"} and theirs[path] - {"NoneType"} and not mine[path] & theirs[path]:
            said.append(f"{path} is {mine[path]}, recorded {theirs[path]}")
    return said


@pytest.fixture(scope="module")
def cassettes(recordings: Path) -> dict[str, object]:
    """An answer by type of question, the one with the most fields."""
    found: dict[str, object] = {}
    for file in sorted((recordings / "hyperliquid").glob("*-cassettes/extracted.jsonl.zst")):
        with file.open("rb") as packed, zstandard.open(packed, "rt") as lines:
            assert isinstance(lines, TextIOWrapper)
            for line in lines:
                row = json.loads(line)
                name, answer = row["request"]["type"], row["response"]
                if row["request"].get("dex"):
                    continue
                if name not in found or len(fields(answer)) > len(fields(found[name])):
                    found[name] = answer
    return found


async def lived_through(client) -> dict[str, object]:
    """What a venue that has seen some trade answers to every recorded question."""
    await client.statuses(place(order("66000", "0.1", tif="Ioc"), order("1800", "0.5", asset=1, tif="Gtc", c=cloid(1))))
    stop = order("60000", "0.1", buy=False, r=True, t=trigger("61000", "sl"))
    await client.statuses(place(order("64000", "0.1"), stop, grouping="normalTpsl"))
    await client.statuses(place(stop))
    client.venue.floor.fund("BTC", client.venue.clock())
    user = {"user": ADDRESS}
    span = {"coin": "BTC", "interval": "1m", "startTime": 0}
    return {
        "meta": await client.info("meta"),
        "metaAndAssetCtxs": await client.info("metaAndAssetCtxs"),
        "l2Book": await client.info("l2Book", coin="BTC"),
        "candleSnapshot": await client.info("candleSnapshot", req=span),
        "fundingHistory": await client.info("fundingHistory", coin="BTC", startTime=0, endTime=10**13),
        "openOrders": await client.info("openOrders", **user),
        "frontendOpenOrders": await client.info("frontendOpenOrders", **user),
        "userFills": await client.info("userFills", **user),
        "clearinghouseState": await client.info("clearinghouseState", **user),
        "userRateLimit": await client.info("userRateLimit", **user),
        "userRole": await client.info("userRole", **user),
        "activeAssetData": await client.info("activeAssetData", coin="BTC", **user),
    }


async def test_every_recorded_answer_has_ours_of_its_shape(cassettes) -> None:
    async with started() as client:
        answers = await lived_through(client)
        assert set(answers) <= set(cassettes)
        wrong = {n: d for n, a in answers.items() if (d := differences(a, cassettes[n], LATER.get(n, set())))}
        assert wrong == {}
        mids = await client.info("allMids")
        assert {kind(mid) for mid in mids.values()} == {"number"} == {kind(m) for m in cassettes["allMids"].values()}
        tokens = (await client.info("spotMeta"))["tokens"]
        assert differences(tokens[0], cassettes["spotMeta"]["tokens"][0]) == []
        assert (await client.info("perpDexs"))[0] is cassettes["perpDexs"][0] is None


async def test_an_account_that_has_nothing_looks_as_a_recorded_one(recordings: Path) -> None:
    text = (recordings / "hyperliquid/go-hyperliquid-cassettes/UserState_WithDex.yaml").read_text()
    body = next(line for line in text.splitlines() if "marginSummary" in line)
    recorded = json.loads(body[body.index("{") : body.rindex("}") + 1])
    async with started(accounts=[Account(ADDRESS, "", 0)], warm_up_steps=0) as client:
        empty = await client.info("clearinghouseState", user=ADDRESS)
        assert empty | {"time": 0} == recorded | {"time": 0}


FRAMES = {
    "OrderBook": {"type": "l2Book", "coin": "BTC"},
    "BookTicker": {"type": "bbo", "coin": "BTC"},
    "Trades": {"type": "trades", "coin": "BTC"},
    "Klines": {"type": "candle", "coin": "BTC", "interval": "1d"},
    "Prices": {"type": "allMids"},
}


@pytest.mark.parametrize("name", FRAMES)
async def test_every_recorded_push_has_ours_of_its_shape(recordings: Path, name: str) -> None:
    text = (recordings / f"hyperliquid/jkorf/Subscriptions/{name}.txt").read_text()
    said, heard = text.partition("\n= ")[0], json.loads(text.partition("\n= ")[2])
    acknowledged = json.loads(said.splitlines()[1].removeprefix("< "))
    async with started() as client:
        socket = await client.open()
        answer = await socket.subscribe(**{"kind" if k == "type" else k: v for k, v in FRAMES[name].items()})
        assert differences(answer, acknowledged) == []
        frame = await socket.hear(heard["channel"])
        coins = {"0G", "2Z", "BTC", "ETH", "SOL"} if name == "Prices" else set()
        missing = [d for d in differences(frame, heard, coins) if name_of(d) not in coins]
        assert missing == []


async def test_a_recorded_feed_and_ours_differ_in_nothing_but_numbers(recordings: Path) -> None:
    with gzip.open(recordings / "hyperliquid/hftbacktest/btcusd_20250126.gz", "rt") as lines:
        recorded = [json.loads(line.split(" ", 1)[1]) for line in lines]
    async with started() as client:
        socket = await client.open()
        for channel in ("l2Book", "trades"):
            await socket.subscribe(channel, coin="BTC")
            ours = await socket.hear(channel)
            for frame in recorded:
                if frame["channel"] == channel:
                    assert differences(ours, frame) == []
