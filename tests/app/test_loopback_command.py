"""`tapeline loopback` in a process of its own: it says where it is, answers, and ends by a signal."""

import asyncio
import json
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.request import urlopen

import pytest
from dydx_v4_client import network
from dydx_v4_client.key_pair import KeyPair
from dydx_v4_client.node.client import NodeClient
from dydx_v4_client.wallet import Wallet
from okx.Account import AccountAPI
from pybit.unified_trading import HTTP

from tests.command import started
from tests.forked import ROOT, Started

Cli = Callable[..., Any]


@contextmanager
def running(*words: str, venue: str = "bybit") -> Iterator[Started]:
    """A loopback venue that is gone afterwards, whatever happened."""
    with started("loopback", venue, *words, cwd=ROOT) as process:
        try:
            yield process
        finally:
            process.kill()


def announced(process: Started) -> dict[str, Any]:
    fact = json.loads(process.stdout.readline())
    assert isinstance(fact, dict)
    return fact


@pytest.mark.parametrize("word", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_is_and_ends_by_a_signal(word: signal.Signals) -> None:
    with running("--json", "--seed", "7") as process:
        fact = announced(process)
        assert fact["public_url"].startswith("ws://127.0.0.1:")
        with urlopen(f"{fact['rest_url']}/v5/market/time", timeout=10) as answer:
            assert json.load(answer)["retCode"] == 0
        process.send_signal(word)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "", "")


def test_its_keys_trade_with_anybodys_client() -> None:
    with running("--json", "--key", "k-1", "--secret", "s-1", "--balance", "2500", "--symbol", "ETHUSDT") as process:
        fact = announced(process)
        assert (fact["key"], fact["secret"], fact["symbols"]) == ("k-1", "s-1", ["ETHUSDT"])
        client = HTTP(api_key=fact["key"], api_secret=fact["secret"])
        client.endpoint = fact["rest_url"]
        placed = client.place_order(
            category="linear",
            symbol="ETHUSDT",
            side="Buy",
            orderType="Limit",
            qty="0.01",
            price="1800",
            orderLinkId="a",
        )
        open_orders = client.get_open_orders(category="linear", symbol="ETHUSDT")
        wallet = client.get_wallet_balance(accountType="UNIFIED")
        client.client.close()
    assert placed["retCode"] == 0
    assert [order["orderLinkId"] for order in open_orders["result"]["list"]] == ["a"]
    assert float(wallet["result"]["list"][0]["totalWalletBalance"]) == 2500


def test_a_shown_request_is_taken_by_it(cli: Cli) -> None:
    import requests

    with running("--json") as process:
        fact = announced(process)
        order = {"symbol": "BTCUSDT", "side": "buy", "price": "60000.0", "size": "0.001", "client_id": "shown-1"}
        ran = cli("request", "bybit", "place", json.dumps(order), "--key", fact["key"], "--secret", fact["secret"])
        shown = json.loads(ran.out)
        url = shown["url"].replace("https://api.bybit.com", fact["rest_url"])
        answer = requests.request(shown["method"], url, headers=shown["headers"], data=shown["body"], timeout=10)
    assert (answer.json()["retCode"], answer.json()["result"]["orderLinkId"]) == (0, "shown-1")


def test_for_people_it_prints_a_line_a_fact() -> None:
    with running() as process:
        lines = [process.stdout.readline().split() for _ in range(8)]
    assert [line[0] for line in lines] == ["venue", "rest", "public", "private", "trade", "key", "secret", "symbols"]


def test_a_port_that_is_taken_is_said_in_one_line(cli: Cli) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ran = cli("loopback", "bybit", "--port", str(taken.getsockname()[1]))
    assert (ran.code, ran.out) == (2, "")
    assert len(ran.err.splitlines()) == 1
    assert "already in use" in ran.err


def test_a_venue_whose_keys_have_three_parts_says_the_third() -> None:
    with running("--json", "--passphrase", "p-1", "--symbol", "ETH-USDT-SWAP", venue="okx") as process:
        fact = announced(process)
        assert (fact["passphrase"], fact["symbols"]) == ("p-1", ["ETH-USDT-SWAP"])
        client = AccountAPI(fact["key"], fact["secret"], fact["passphrase"], domain=fact["rest_url"])
        balance = client.get_account_balance()
        client.close()
    assert balance["data"][0]["details"][0]["cashBal"] == "100000"


def test_the_chain_of_one_is_there_for_the_official_client_until_a_signal() -> None:
    with running("--json", "--symbol", "BTC-USD", venue="dydx") as process:
        fact = announced(process)
        node = network.local_node(channel=network.insecure_channel(fact["grpc_address"]))
        client = asyncio.run(NodeClient.connect(node))
        account = asyncio.run(client.get_account(fact["key"]))
        wallet = Wallet(KeyPair.from_hex(fact["secret"]), account.account_number, account.sequence)
        assert (wallet.address, asyncio.run(client.latest_block_height()) > 0) == (fact["key"], True)
        node.channel.close()
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "", "")
