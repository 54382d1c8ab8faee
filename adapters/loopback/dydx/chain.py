"""The chain: one block after another, the transactions between them, and what a broadcast is answered with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

from adapters.loopback.desk import Desk
from adapters.loopback.dydx import codes
from adapters.loopback.dydx.ante import Ante, ChainAccount
from adapters.loopback.dydx.checks import Checks
from adapters.loopback.dydx.codes import ChainError
from adapters.loopback.dydx.contracts import QUOTE_RESOLUTION
from adapters.loopback.dydx.entry import Entry
from adapters.loopback.dydx.ids import FloorIds
from adapters.loopback.dydx.limits import BlockLimiter, RateLimits
from adapters.loopback.dydx.messages import (
    BatchCancel,
    CancelOrder,
    Message,
    PlaceOrder,
    Subaccount,
    Transfer,
    Tx,
    read,
    tx_hash,
)
from adapters.loopback.dydx.records import Indexer
from adapters.loopback.dydx.register import Register
from adapters.loopback.dydx.short_term import ShortTerm
from adapters.loopback.dydx.stateful import Stateful
from adapters.loopback.dydx.views import Block, Moved
from adapters.loopback.floor import Change, Floor
from adapters.loopback.ledger import Account
from adapters.loopback.orders import ZERO

KEPT_TXS = 1_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """What CheckTx says of a transaction: code 0 is that this node has it, not what became of it."""

    tx_hash: str
    code: int = 0
    codespace: str = ""
    log: str = "[]"


@dataclass(frozen=True, slots=True)
class Delivered:
    """A transaction that a block holds."""

    tx: Tx
    height: int
    ts_ms: int
    code: int = 0
    codespace: str = ""
    log: str = ""


class Chain:
    """One node that makes all blocks itself."""

    def __init__(
        self,
        floor: Floor,
        ids: FloorIds,
        ante: Ante,
        checks: Checks,
        indexer: Indexer,
        limits: RateLimits,
        height: int,
        client_name: Callable[[int, int], str],
    ) -> None:
        self.height, self.time_ms = height, 0
        self.ante = ante
        self.delivered: dict[str, Delivered] = {}
        """The stateful transactions of late, by hash."""
        self._floor, self._ids, self._indexer = floor, ids, indexer
        self._limiter = BlockLimiter(limits)
        self._register = Register()
        entry = Entry(floor, self._register, ids, indexer.removed, client_name)
        self._entry = entry
        self._short_term = ShortTerm(self._register, checks, entry, indexer)
        self._stateful = Stateful(self._register, checks, entry, indexer, indexer.equity, indexer.free)
        self._pending: list[Tx] = []
        self._block = Block(height + 1, 0)
        floor.listeners.append(self._heard)

    @property
    def next_height(self) -> int:
        return self.height + 1

    def open(self, subaccount: Subaccount, account: Account) -> None:
        """Makes a subaccount with what it starts with."""
        desk = self._floor.desks.setdefault(subaccount.key, Desk(account))
        for ticker, market in self._floor.markets.items():
            desk.book.position(ticker).leverage = market.contract.max_leverage
        self._indexer.join(subaccount, account.balance)

    # -- transactions ------------------------------------------------------------------------------------------------

    def broadcast(self, encoded: bytes, now_ms: int) -> Verdict:
        """CheckTx: carries a short-term message out, takes a stateful one for the next block, or says why not."""
        try:
            tx = read(encoded)
        except ChainError as error:
            return _refused(tx_hash(encoded), error)
        try:
            account = self.ante.check(tx, self.next_height, now_ms)
            for message in tx.messages:
                self._check(message, account, now_ms)
        except ChainError as error:
            return _refused(tx.hash, error)
        self.ante.accepted(tx, account)
        if not tx.is_short_term:
            self._pending.append(tx)
        return Verdict(tx.hash)

    def _check(self, message: Message, account: ChainAccount, now_ms: int) -> None:
        match message:
            case BatchCancel():
                self._limiter.short_term(account.address, self.next_height, max(1, len(message.order_ids())))
                self._short_term.batch(message, self.next_height, now_ms)
            case PlaceOrder() if message.order_id.is_short_term:
                self._limiter.short_term(account.address, self.next_height)
                self._must_exist(message.order_id.subaccount.key)
                self._short_term.place(message, self.next_height, now_ms)
            case CancelOrder() if message.order_id.is_short_term:
                self._limiter.short_term(account.address, self.next_height)
                self._short_term.cancel(message, self.next_height, now_ms)
            case PlaceOrder():
                self._limiter.stateful(account.address, self.next_height)
                self._must_exist(message.order_id.subaccount.key)
                self._stateful.check_place(message, self.next_height, self.time_ms)
            case CancelOrder():
                self._stateful.check_cancel(message, self.next_height, self.time_ms)
            case Transfer():
                self._check_transfer(message)

    def _must_exist(self, key: str) -> None:
        """A subaccount that nothing was ever paid into has no collateral."""
        if key not in self._floor.desks:
            raise ChainError(codes.COLLATERAL, "subaccount does not exist")

    def _check_transfer(self, transfer: Transfer) -> None:
        """What can be seen before a block: whether there is the money shows when it is carried out."""
        if transfer.sender == transfer.recipient:
            raise ChainError(codes.SAME_SUBACCOUNT)
        if transfer.quantums == 0:
            raise ChainError(codes.BAD_AMOUNT)
        if transfer.asset_id != 0:
            raise ChainError(codes.NOT_USDC)
        if transfer.recipient.owner not in self.ante.accounts:
            raise ChainError(codes.UNKNOWN_ADDRESS)

    # -- blocks ------------------------------------------------------------------------------------------------------

    def make_block(self, now_ms: int) -> Block:
        """Makes what happened since the last block final, tells the indexer, and begins the next."""
        block, now_ms = self._block, max(now_ms, self.time_ms)
        block.ts_ms = now_ms
        block.oracle = {ticker: market.snap(market.index_price) for ticker, market in self._floor.markets.items()}
        self._indexer.begin(block)
        pending, self._pending = self._pending, []
        for tx in pending:
            self._deliver(tx, block)
        for placed in self._register.expired(block.height, now_ms):
            if placed.order_id.is_short_term:
                self._short_term.expire(placed, now_ms)
            else:
                self._stateful.expire(placed, now_ms)
        self._entry.tell()
        self._stateful.trigger(block.oracle)
        self._indexer.finish(block)
        self._register.prune(block.height, now_ms)
        self.height, self.time_ms = block.height, now_ms
        self._block = Block(self.next_height, 0)
        self._ids.begin(self.next_height)
        self._stateful.match(now_ms)
        return block

    def _deliver(self, tx: Tx, block: Block) -> None:
        """Carries a transaction out for good; what fails now is told by the transaction's own result."""
        done = Delivered(tx, block.height, block.ts_ms)
        try:
            for message in tx.messages:
                match message:
                    case Transfer():
                        self._transfer(message, tx.hash, block)
                    case PlaceOrder() | CancelOrder():
                        self._stateful.include(message, block.ts_ms)
                    case BatchCancel():
                        raise ChainError(codes.INVALID_REQUEST)
        except ChainError as error:
            done = Delivered(tx, block.height, block.ts_ms, error.code.number, error.code.codespace, error.log)
        self.delivered[tx.hash] = done
        if len(self.delivered) > KEPT_TXS:
            del self.delivered[next(iter(self.delivered))]

    def _transfer(self, transfer: Transfer, tx_hash: str, block: Block) -> None:
        amount = Decimal(transfer.quantums).scaleb(-QUOTE_RESOLUTION)
        if self._indexer.free(transfer.sender.key) < amount:
            raise ChainError(codes.NOT_UPDATED)
        if transfer.recipient.key not in self._floor.desks:
            owner = self._floor.desks[transfer.recipient.owner].account
            self.open(transfer.recipient, replace(owner, key=transfer.recipient.key, balance=ZERO))
        self._floor.desks[transfer.sender.key].book.transfer(-amount)
        self._floor.desks[transfer.recipient.key].book.transfer(amount)
        block.transfers.append(Moved(transfer.sender, transfer.recipient, amount, tx_hash))

    def _heard(self, change: Change) -> None:
        self._block.fills += change.fills
        if change.trades:
            self._block.trades.setdefault(change.market.contract.symbol, []).extend(change.trades)
            if change.liquidations:
                self._block.forced.update(trade.trade_id for trade in change.trades)


def _refused(tx_hash: str, error: ChainError) -> Verdict:
    return Verdict(tx_hash, error.code.number, error.code.codespace, error.log)
