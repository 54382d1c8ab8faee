"""Another client of a loopback venue with the same keys, which knows nothing of any session."""

import asyncio
from decimal import Decimal
from pathlib import Path

from adapters import venue as find_venue
from adapters.base.settings import VenueSettings
from adapters.loopback import LOOPBACKS
from state.clock import WallClock
from state.events import PlaceOrder
from state.record import Frame, Record
from state.secrets import Credentials, Secret
from tests.live import OWN_KEYS, PASSPHRASE, SIZES, VenueThread, keys_of

NAMES = {  # that no session of ours makes, in each venue's form
    "bybit": "by-hand",
    "binance": "by-hand",
    "okx": "byhand",
    "hyperliquid": "0x" + "ab" * 16,
    "dydx": "t0000000100000007",
}
OTHERS = dict.fromkeys(NAMES, "") | {"dydx": "t0000000100000008"}  # without a name, where the venue needs none
LIFE_S = 3_600.0  # of an order, where it must end by itself


class _Deaf:
    def feed(self, recv: int, events: object, cause: int = 0, frame: Frame | None = None) -> None:
        """What another client hears is nobody's concern here."""


def place_by_another(venue: VenueThread, folder: Path, name: str) -> None:
    """A bid far below the market under this name, or under none."""
    found = find_venue(venue.name)
    symbol = venue.symbols[0]
    contract = LOOPBACKS[venue.name].contracts[symbol]
    price = (contract.start_price * Decimal("0.9") / contract.tick).to_integral_value() * contract.tick
    order = PlaceOrder(venue.name, symbol, "buy", Decimal(SIZES[venue.name][symbol][0]), price, client_id=name)
    key, secret = keys_of(venue.name)
    line = venue.line()
    settings = VenueSettings(
        venue.name,
        found.market,
        rest_url=line.rest_url,
        public_url=line.public_url,
        private_url=line.private_url,
        trade_url=line.trade_url,
        order_entry="rest",
        symbols=venue.symbols,
        state_dir=str(folder),
        order_life_s=LIFE_S if found.capabilities.expires else None,
    )
    passphrase = "" if venue.name in OWN_KEYS else PASSPHRASE

    async def placed() -> None:
        keys = Credentials(Secret(key), Secret(secret), Secret(passphrase))
        exchange = found.exchange(settings, _Deaf(), WallClock(), "by hand", keys)
        try:
            await exchange.start(())
            exchange.submit([Record(1, 0, 0, order)])
            while exchange.orders.in_flight:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        finally:
            await exchange.close()

    asyncio.run(placed())
