"""The chain node over gRPC, as the official client speaks to it: transactions, accounts, the latest block, the markets' terms."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import grpc  # type: ignore[import-untyped]

from adapters.loopback.dydx import protobuf
from adapters.loopback.dydx.ante import ChainAccount
from adapters.loopback.dydx.chain import Chain, Delivered, Verdict
from adapters.loopback.dydx.codes import ChainError
from adapters.loopback.dydx.contracts import QUANTUM_CONVERSION_EXPONENT, STEP_BASE_QUANTUMS, TERMS, Terms
from adapters.loopback.dydx.messages import PUBLIC_KEY_URL, read
from adapters.loopback.dydx.node import GAS_USED, MOST_GAS, refusal, tx_fault
from adapters.loopback.dydx.protobuf import Fields
from adapters.loopback.dydx.texts import iso
from adapters.loopback.faults import Fault, Faults, Place

BASE_ACCOUNT_URL = "/cosmos.auth.v1beta1.BaseAccount"
BROADCAST = "/cosmos.tx.v1beta1.Service/BroadcastTx"
ACTIVE = 1
Answer = Callable[[Fields], bytes]


class NotFound(LookupError):
    """What was asked for is not there."""


class GrpcNode:
    """Serves the node's methods on a port of its own; messages are bytes here, in and out."""

    def __init__(self, chain: Chain, tickers: list[str], faults: Faults, clock: Callable[[], int]) -> None:
        self._chain, self._faults, self._clock = chain, faults, clock
        self._terms = [TERMS[ticker] for ticker in tickers]
        self._server: grpc.aio.Server | None = None
        self._answers: dict[str, Answer] = {
            "/cosmos.tx.v1beta1.Service/Simulate": self._simulate,
            "/cosmos.tx.v1beta1.Service/GetTx": self._get_tx,
            "/cosmos.auth.v1beta1.Query/Account": self._account,
            "/cosmos.base.tendermint.v1beta1.Service/GetLatestBlock": self._latest_block,
            "/dydxprotocol.clob.Query/ClobPair": self._pair,
            "/dydxprotocol.clob.Query/ClobPairAll": self._pairs,
        }

    async def start(self, host: str) -> str:
        """Listens on any free port and gives its address."""
        node = self

        class Methods(grpc.GenericRpcHandler):  # type: ignore[misc]
            """Finds a method by its path."""

            def service(self, call: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
                return node._handler(str(call.method))

        self._server = grpc.aio.server()
        self._server.add_generic_rpc_handlers((Methods(),))
        port = self._server.add_insecure_port(f"{host}:0")
        await self._server.start()
        return f"{host}:{port}"

    async def stop(self) -> None:
        if self._server is not None:
            await self._server.stop(None)
            self._server = None

    def _handler(self, method: str) -> grpc.RpcMethodHandler | None:
        if method == BROADCAST:
            return grpc.unary_unary_rpc_method_handler(self._broadcast)
        answer = self._answers.get(method)
        if answer is None:
            return None

        async def serve(request: bytes, context: grpc.aio.ServicerContext) -> bytes:
            fault = self._faults.ask(Place.REST, method)
            await _spoil(fault, context, before=True)
            try:
                said = answer(Fields(request))
            except NotFound as error:
                await context.abort(grpc.StatusCode.NOT_FOUND, str(error))
            except (ChainError, protobuf.BadEncoding) as error:
                await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
            await _spoil(fault, context, before=False)
            return said

        return grpc.unary_unary_rpc_method_handler(serve)

    # -- transactions ------------------------------------------------------------------------------------------------

    async def _broadcast(self, request: bytes, context: grpc.aio.ServicerContext) -> bytes:
        """https://docs.cosmos.network/api: the answer of CheckTx, whatever the mode asked for."""
        encoded = Fields(request).data(1)
        fault = tx_fault(self._faults, encoded)
        await _spoil(fault, context, before=True)
        verdict = refusal(fault, encoded) or self._chain.broadcast(encoded, self._clock())
        await _spoil(fault, context, before=False)
        return protobuf.message(1, _checked(verdict))

    def _simulate(self, request: Fields) -> bytes:
        """Looks at a transaction without its signature; what it would use is always the same here."""
        read(request.data(2) or request.data(1))
        gas = protobuf.number(1, MOST_GAS) + protobuf.number(2, GAS_USED)
        return protobuf.message(1, gas) + protobuf.message(2, b"")

    def _get_tx(self, request: Fields) -> bytes:
        found = self._chain.delivered.get(request.text(1).upper())
        if found is None:
            raise NotFound(f"tx not found: {request.text(1)}")
        body, auth_info, signature = found.tx.body, found.tx.auth_info, found.tx.signature
        tx = protobuf.message(1, body) + protobuf.message(2, auth_info) + protobuf.message(3, signature)
        return protobuf.message(1, tx) + protobuf.message(2, _included(found))

    # -- questions ---------------------------------------------------------------------------------------------------

    def _account(self, request: Fields) -> bytes:
        account = self._chain.ante.accounts.get(request.text(1))
        if account is None:
            raise NotFound(f"account {request.text(1)} not found")
        return protobuf.message(1, _boxed(BASE_ACCOUNT_URL, _base_account(account)))

    def _latest_block(self, _: Fields) -> bytes:
        chain = self._chain
        at = protobuf.number(1, chain.time_ms // 1_000) + protobuf.number(2, chain.time_ms % 1_000 * 1_000_000)
        header = protobuf.text(2, chain.ante.chain_id) + protobuf.number(3, chain.height) + protobuf.message(4, at)
        return protobuf.message(2, protobuf.message(1, header))

    def _pair(self, request: Fields) -> bytes:
        for terms in self._terms:
            if terms.pair_id == request.number(1):
                return protobuf.message(1, _clob_pair(terms))
        raise NotFound(f"clob pair {request.number(1)} not found")

    def _pairs(self, _: Fields) -> bytes:
        return protobuf.messages(1, map(_clob_pair, self._terms))


async def _spoil(fault: Fault, context: grpc.aio.ServicerContext, before: bool) -> None:
    """What a fault does to a call, before it is carried out or after."""
    if before:
        if fault.status and not fault.carried_out:
            await context.abort(grpc.StatusCode.UNAVAILABLE, fault.words)
        return
    if fault.delay_s:
        await asyncio.sleep(fault.delay_s)
    if fault.status or fault.cut:
        await context.abort(grpc.StatusCode.UNAVAILABLE, fault.words or "Socket closed")
    if fault.drop:
        await asyncio.Event().wait()  # until the customer's patience, or the server, ends


def _clob_pair(terms: Terms) -> bytes:
    return (
        protobuf.number(1, terms.pair_id)
        + protobuf.message(2, protobuf.number(1, terms.pair_id))
        + protobuf.number(4, STEP_BASE_QUANTUMS)
        + protobuf.number(5, terms.subticks_per_tick)
        + protobuf.signed(6, QUANTUM_CONVERSION_EXPONENT)
        + protobuf.number(7, ACTIVE)
    )


def _base_account(account: ChainAccount) -> bytes:
    key = protobuf.message(2, _boxed(PUBLIC_KEY_URL, protobuf.data(1, account.public_key)))
    return (
        protobuf.text(1, account.address)
        + (key if account.public_key else b"")
        + protobuf.number(3, account.number)
        + protobuf.number(4, account.sequence)
    )


def _boxed(url: str, encoded: bytes) -> bytes:
    """A google.protobuf.Any."""
    return protobuf.text(1, url) + protobuf.data(2, encoded)


def _checked(verdict: Verdict) -> bytes:
    return _tx_response(0, verdict.tx_hash, verdict.codespace, verdict.code, verdict.log, "")


def _included(found: Delivered) -> bytes:
    return _tx_response(found.height, found.tx.hash, found.codespace, found.code, found.log, iso(found.ts_ms))


def _tx_response(height: int, tx_hash: str, codespace: str, code: int, log: str, timestamp: str) -> bytes:
    return (
        protobuf.number(1, height)
        + protobuf.text(2, tx_hash)
        + protobuf.text(3, codespace)
        + protobuf.number(4, code)
        + protobuf.text(6, log)
        + protobuf.text(12, timestamp)
    )
