"""What is kept of one market, one asset and one order while the books are read."""

from decimal import Decimal

from replay.books.facts import AssetLine, MarketLine
from replay.books.lots import Lots, Method
from replay.books.naming import OrderGap
from replay.books.series import Series
from state.instruments import Instrument

BALANCE_TOLERANCE = Decimal("1e-8")  # a movement: venues book to eight digits
ZERO = Decimal(0)


class MarketAccount:
    """One market: its lots, and its position as it is reported."""

    def __init__(self, venue: str, symbol: str, instrument: Instrument | None, method: Method) -> None:
        contract = instrument.contract_size if instrument is not None and instrument.inverse else None
        self.instrument = instrument
        self.line = MarketLine(
            venue, symbol, "" if instrument is None else instrument.settle, fees={}, rebates={}, funding={}
        )
        self.average = Lots("average", contract)
        self.lots = self.average if method == "average" else Lots(method, contract)
        self.series = Series()
        self.version: int | None = None
        self.off_average = 0

    @property
    def multipliers(self) -> set[Decimal]:
        """What a market could have been booked with instead of 1."""
        found = {Decimal(10) ** power for power in range(-6, 7)}
        size = self.instrument.contract_size if self.instrument is not None else Decimal(1)
        return found | {size, 1 / size} if size else found


class AssetAccount:
    """One asset at one venue, and its balance as it is reported."""

    def __init__(self, venue: str, asset: str) -> None:
        self.line = AssetLine(venue, asset)
        self.series = Series(tolerance=BALANCE_TOLERANCE)


class ToldOrder:
    """What the venue told of one order's filled size, and what its fills come to."""

    __slots__ = ("filled", "name", "seq", "side", "symbol", "told", "venue")

    def __init__(self, venue: str, symbol: str, name: str) -> None:
        self.venue, self.symbol, self.name = venue, symbol, name
        self.side = ""
        self.told: Decimal | None = None
        self.filled = ZERO
        self.seq = 0

    def gap(self) -> OrderGap | None:
        """What is missing, or too much; None where both agree or the venue told nothing."""
        if self.told is None or self.told == self.filled or not self.side:
            return None
        missing = (self.told - self.filled) * (1 if self.side == "buy" else -1)
        return OrderGap(self.name, self.venue, self.symbol, self.told, self.filled, missing, self.seq)
