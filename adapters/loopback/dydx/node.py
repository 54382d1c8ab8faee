"""The chain node over HTTP: Cosmos' REST (LCD) and CometBFT's JSON-RPC, both on one port."""

# https://docs.cosmos.network/api (LCD), https://docs.cometbft.com/v0.38/rpc/ (JSON-RPC, and the same calls as GET)

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from http import HTTPStatus

import msgspec
from aiohttp import web

from adapters.loopback.dydx import codes
from adapters.loopback.dydx.chain import Chain, Delivered, Verdict
from adapters.loopback.dydx.codes import ChainError
from adapters.loopback.dydx.contracts import QUOTE_RESOLUTION
from adapters.loopback.dydx.limits import EQUITY_TIERS, RateLimits
from adapters.loopback.dydx.messages import read, tx_hash
from adapters.loopback.dydx.rest import spoil
from adapters.loopback.dydx.texts import iso
from adapters.loopback.faults import NONE, Fault, Faults, Place

GAS_USED = 86_055
MOST_GAS = 18_446_744_073_709_551_615
Json = dict[str, object]


class BroadcastRequest(msgspec.Struct):
    tx_bytes: str
    mode: str = "BROADCAST_MODE_SYNC"


class SimulateRequest(msgspec.Struct):
    tx_bytes: str = ""
    txBytes: str = ""  # noqa: N815 - the other spelling that protobuf's JSON allows


class RpcRequest(msgspec.Struct):
    method: str
    params: dict[str, object] = {}
    id: int | str = -1


class Node:
    """Answers what is not the indexer's."""

    def __init__(self, chain: Chain, limits: RateLimits, faults: Faults, clock: Callable[[], int]) -> None:
        self._chain, self._faults, self._clock = chain, faults, clock
        self._terms: Mapping[str, Json] = {
            "/dydxprotocol/clob/block_rate": block_rate(limits),
            "/dydxprotocol/clob/equity_tier": equity_tiers(),
        }
        self._rpc: Mapping[str, Callable[[Mapping[str, object]], Json]] = {
            "abci_info": self._abci_info,
            "status": self._status,
            "block": self._block,
            "tx": self._tx,
            "health": lambda _: {},
        }

    async def answer(self, request: web.Request) -> web.Response:
        """One request with whatever fault is ordered for it: those of transactions are the trade place's."""
        body, path = await request.read(), request.path
        try:
            if path == "/cosmos/tx/v1beta1/txs" and request.method == "POST":
                return await self._broadcast_lcd(request, body)
            if request.method == "POST" and path == "/":
                call = msgspec.json.decode(body, type=RpcRequest)
                return await self._call(request, call.method, call.params, call.id, encodes_base64=True)
            if request.method == "GET" and (path[1:] in self._rpc or path.startswith("/broadcast_tx_")):
                params = {name: value.strip('"') for name, value in request.query.items()}
                return await self._call(request, path[1:], params, -1, encodes_base64=False)
        except (msgspec.DecodeError, binascii.Error, ValueError) as error:
            return _lcd_error(HTTPStatus.BAD_REQUEST, 3, str(error))
        fault = self._faults.ask(Place.REST, path)
        if fault.status and not fault.carried_out:
            return web.Response(status=fault.status, text=HTTPStatus(fault.status).phrase)
        return await spoil(request, self._lcd(request, body), fault)

    # -- transactions ------------------------------------------------------------------------------------------------

    async def _broadcast(
        self, request: web.Request, encoded: bytes, drawn: Callable[[Verdict], web.Response]
    ) -> web.Response:
        """Carries a transaction out, unless a fault ordered for its message stands before it."""
        fault = tx_fault(self._faults, encoded)
        if fault.status and not fault.carried_out:
            return web.Response(status=fault.status, text=fault.words or HTTPStatus(fault.status).phrase)
        verdict = refusal(fault, encoded) or self._chain.broadcast(encoded, self._clock())
        return await spoil(request, drawn(verdict), fault)

    async def _broadcast_lcd(self, request: web.Request, body: bytes) -> web.Response:
        asked = msgspec.json.decode(body, type=BroadcastRequest)
        return await self._broadcast(
            request,
            base64.b64decode(asked.tx_bytes, validate=True),
            lambda verdict: _json({"tx_response": checked(verdict)}),
        )

    async def _call(
        self, request: web.Request, method: str, params: Mapping[str, object], call_id: int | str, encodes_base64: bool
    ) -> web.Response:
        if method in ("broadcast_tx_sync", "broadcast_tx_async", "broadcast_tx_commit"):
            given = str(params.get("tx", ""))
            encoded = base64.b64decode(given) if encodes_base64 else bytes.fromhex(given.removeprefix("0x"))
            return await self._broadcast(request, encoded, lambda verdict: _rpc_verdict(verdict, call_id))
        call = self._rpc.get(method)
        if call is None:
            return _rpc_error(call_id, -32601, "Method not found", method)
        fault = self._faults.ask(Place.REST, f"/{method}")
        if fault.status and not fault.carried_out:
            return web.Response(status=fault.status, text=HTTPStatus(fault.status).phrase)
        try:
            response = _json({"jsonrpc": "2.0", "id": call_id, "result": call(params)})
        except LookupError as error:
            response = _rpc_error(call_id, -32603, "Internal error", str(error))
        return await spoil(request, response, fault)

    # -- CometBFT ----------------------------------------------------------------------------------------------------

    def _abci_info(self, _: Mapping[str, object]) -> Json:
        response = {"data": "dydxprotocol", "version": "9.1.0", "last_block_height": str(self._chain.height)}
        return {
            "response": response | {"last_block_app_hash": base64.b64encode(self._hash(self._chain.height)).decode()}
        }

    def _status(self, _: Mapping[str, object]) -> Json:
        chain = self._chain
        return {
            "node_info": {"network": chain.ante.chain_id, "version": "0.38.6", "moniker": "loopback"},
            "sync_info": {
                "latest_block_hash": self._hash(chain.height).hex().upper(),
                "latest_block_height": str(chain.height),
                "latest_block_time": iso(chain.time_ms),
                "catching_up": False,
            },
        }

    def _block(self, _: Mapping[str, object]) -> Json:
        return {"block_id": {"hash": self._hash(self._chain.height).hex().upper()}, "block": {"header": self._header()}}

    def _tx(self, params: Mapping[str, object]) -> Json:
        tx_hash = str(params.get("hash", "")).removeprefix("0x").upper()
        found = self._chain.delivered.get(tx_hash)
        if found is None:
            raise LookupError(f"tx ({tx_hash}) not found")
        result = {"code": found.code, "codespace": found.codespace, "log": found.log}
        return {"hash": tx_hash, "height": str(found.height), "index": 0, "tx_result": result}

    def _header(self) -> Json:
        chain = self._chain
        return {"chain_id": chain.ante.chain_id, "height": str(chain.height), "time": iso(chain.time_ms)}

    @staticmethod
    def _hash(height: int) -> bytes:
        return height.to_bytes(32, "big")

    # -- Cosmos ------------------------------------------------------------------------------------------------------

    def _lcd(self, request: web.Request, body: bytes) -> web.Response:
        path = request.path
        if path.startswith("/cosmos/auth/v1beta1/accounts/"):
            return self._account(path.rpartition("/")[2], plainly=False)
        if path.startswith("/cosmos/auth/v1beta1/account_info/"):
            return self._account(path.rpartition("/")[2], plainly=True)
        if path == "/cosmos/base/tendermint/v1beta1/blocks/latest":
            return _json({"block": {"header": self._header()}})
        if path.startswith("/cosmos/tx/v1beta1/txs/"):
            found = self._chain.delivered.get(path.rpartition("/")[2].upper())
            if found is None:
                return _lcd_error(HTTPStatus.NOT_FOUND, 5, "tx not found")
            return _json({"tx_response": included(found)})
        if path in self._terms:
            return _json(self._terms[path])
        if path == "/dydxprotocol/v4/feetiers/user_fee_tier":
            return self._fee_tier(request.query.get("user", ""))
        if path == "/cosmos/tx/v1beta1/simulate" and request.method == "POST":
            return self._simulate(body)
        return _lcd_error(HTTPStatus.NOT_IMPLEMENTED, 12, "Not Implemented")

    def _account(self, address: str, plainly: bool) -> web.Response:
        account = self._chain.ante.accounts.get(address)
        if account is None:
            return _lcd_error(HTTPStatus.NOT_FOUND, 5, f"account {address} not found")
        key = base64.b64encode(account.public_key).decode()
        fields: Json = {
            "address": account.address,
            "pub_key": {"@type": "/cosmos.crypto.secp256k1.PubKey", "key": key} if key else None,
            "account_number": str(account.number),
            "sequence": str(account.sequence),
        }
        if plainly:
            return _json({"info": fields})
        return _json({"account": {"@type": "/cosmos.auth.v1beta1.BaseAccount", **fields}})

    def _fee_tier(self, address: str) -> web.Response:
        """One tier for each customer, whatever he traded."""
        rates = self._chain.ante.fee_rates.get(address)
        if rates is None:
            return _lcd_error(HTTPStatus.BAD_REQUEST, 3, "invalid bech32 address")
        maker, taker = (int(rate.scaleb(6)) for rate in rates)
        shares: Json = {"total_volume_share_requirement_ppm": 0, "maker_volume_share_requirement_ppm": 0}
        tier = {
            "name": "1",
            "absolute_volume_requirement": "0",
            "maker_fee_ppm": maker,
            "taker_fee_ppm": taker,
        } | shares
        return _json({"index": 0, "tier": tier})

    def _simulate(self, body: bytes) -> web.Response:
        """Looks at a transaction without its signature; what it would use is always the same here."""
        asked = msgspec.json.decode(body, type=SimulateRequest)
        try:
            read(base64.b64decode(asked.tx_bytes or asked.txBytes, validate=True))
        except ChainError as error:
            return _lcd_error(HTTPStatus.BAD_REQUEST, 3, error.log)
        return _json({"gas_info": {"gas_wanted": str(MOST_GAS), "gas_used": str(GAS_USED)}, "result": {"log": ""}})


def block_rate(limits: RateLimits) -> Json:
    """How many messages an account may send within so many blocks; nothing where there is no limit."""

    def within(*windows: tuple[int, int]) -> list[Json]:
        return [{"num_blocks": blocks, "limit": limit} for blocks, limit in windows if limit]

    config: Json = {
        "max_short_term_orders_per_n_blocks": [],
        "max_stateful_orders_per_n_blocks": within(
            (1, limits.stateful_per_block), (100, limits.stateful_per_100_blocks)
        ),
        "max_short_term_order_cancellations_per_n_blocks": [],
        "max_short_term_orders_and_cancels_per_n_blocks": within((5, limits.short_term_per_5_blocks)),
    }
    return {"block_rate_limit_config": config}


def equity_tiers() -> Json:
    """From which equity on a subaccount may have so many stateful orders, in USDC's quanta."""
    tiers: list[Json] = [
        {"usd_tnc_required": str(int(least.scaleb(QUOTE_RESOLUTION))), "limit": most}
        for least, most in reversed(EQUITY_TIERS)
    ]
    config: Json = {"short_term_order_equity_tiers": [], "stateful_order_equity_tiers": tiers}
    return {"equity_tier_limit_config": config}


def tx_fault(faults: Faults, encoded: bytes) -> Fault:
    """The fault ordered for a transaction, by its first message's name such as MsgPlaceOrder, as a trade or as REST."""
    try:
        name = read(encoded).names[0]
    except ChainError:
        name = "unreadable"
    fault = faults.ask(Place.TRADE, name)
    return faults.ask(Place.REST, name) if fault == NONE else fault


def refusal(fault: Fault, encoded: bytes) -> Verdict | None:
    """What CheckTx says instead of doing anything, where a fault has no status and words of the form `codespace code`."""
    if fault.status or not fault.words:
        return None
    codespace, _, number = fault.words.partition(" ")
    return Verdict(tx_hash(encoded), int(number), codespace, f"{codespace} error {number}")


def checked(verdict: Verdict) -> Json:
    """A tx_response as CheckTx fills it."""
    return _tx_response(0, verdict.tx_hash, verdict.codespace, verdict.code, verdict.log, "")


def included(found: Delivered) -> Json:
    """A tx_response of a transaction that a block holds."""
    return _tx_response(found.height, found.tx.hash, found.codespace, found.code, found.log, iso(found.ts_ms))


def _tx_response(height: int, tx_hash: str, codespace: str, code: int, log: str, timestamp: str) -> Json:
    return {
        "height": str(height),
        "txhash": tx_hash,
        "codespace": codespace,
        "code": code,
        "data": "",
        "raw_log": log,
        "logs": [],
        "info": "",
        "gas_wanted": "0",
        "gas_used": "0",
        "tx": None,
        "timestamp": timestamp,
        "events": [],
    }


def _rpc_verdict(verdict: Verdict, call_id: int | str) -> web.Response:
    """A transaction that the mempool knows is an error of the call itself."""
    if (verdict.codespace, verdict.code) == (codes.TX_IN_CACHE.codespace, codes.TX_IN_CACHE.number):
        return _rpc_error(call_id, -32603, "Internal error", "tx already exists in cache")
    result = {
        "code": verdict.code,
        "data": "",
        "log": verdict.log,
        "codespace": verdict.codespace,
        "hash": verdict.tx_hash,
    }
    return _json({"jsonrpc": "2.0", "id": call_id, "result": result})


def _rpc_error(call_id: int | str, code: int, words: str, detail: str) -> web.Response:
    error = {"code": code, "message": words, "data": detail}
    return _json({"jsonrpc": "2.0", "id": call_id, "error": error}, HTTPStatus.INTERNAL_SERVER_ERROR)


def _lcd_error(status: int, code: int, words: str) -> web.Response:
    return _json({"code": code, "message": words, "details": []}, status)


def _json(body: Json, status: int = HTTPStatus.OK) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(body), content_type="application/json")
