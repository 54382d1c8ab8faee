"""The three files of a new strategy: the strategy, its test, and a configuration for a venue on this machine."""

STRATEGY = '''"""NAME: what the idea is, in one sentence."""

from decimal import Decimal

import msgspec
from reactivex import Observable

from state.errors import ConfigurationError
from state.events import Decision
from streams import operators as op
from streams.feeds import Feeds
from streams.health import health, is_ok
from streams.quoting import Quote, ladder, quote_when, to_intents
from streams.risk import RiskLimits, risk_gate


class Params(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of NAME; spreads are from best bid to best ask, sizes in base units."""

    venue: str
    symbol: str
    size: Decimal  # of each level
    max_position: Decimal
    spread_bps: float = 4.0
    skew_bps: float = 2.0  # how far the ladder leans at full position
    levels: int = 2
    level_spacing_bps: float = 2.0
    requote_s: float = 0.25
    risk: RiskLimits = RiskLimits(price_collar_bps=100.0, max_open_orders=10)

    def __post_init__(self) -> None:
        if not 0 < self.size <= self.max_position:
            raise ConfigurationError(f"NAME: size {self.size} must be above zero and at most max_position")
        if self.spread_bps <= 0 or self.levels < 1:
            raise ConfigurationError("NAME: spread_bps must be above zero and levels at least one")


def NAME(feeds: Feeds, p: Params) -> Observable[Decision]:
    """A ladder around the microprice that leans against the position: begin here, and make it yours."""
    market, account = feeds.market(p.venue, p.symbol), feeds.account(p.venue)
    fair = market.book.pipe(op.microprice(), op.ema(half_life_s=0.25))
    lean = account.position(p.symbol).pipe(op.utilisation(p.max_position))

    def quotes(now: tuple[float, float]) -> tuple[Quote, ...]:
        fair, lean = now
        return ladder(
            fair,
            p.spread_bps / 2,
            lean,
            size=float(p.size),
            levels=p.levels,
            spacing_bps=p.level_spacing_bps,
            skew_bps=p.skew_bps,
            max_position=float(p.max_position),
        )

    return op.combine(fair, lean).pipe(
        op.throttle(p.requote_s),
        op.map(quotes),
        quote_when(is_ok(health(feeds, p.venue, p.symbol))),
        to_intents(feeds, p.venue, p.symbol),
        risk_gate(p.risk, feeds),
    )
'''

TEST = '''"""What NAME does in a market made up from a seed: `pytest test_NAME.py`."""

from decimal import Decimal
from pathlib import Path

import pytest

from replay.trial import Trial, made_market, trial
from state.errors import ConfigurationError
from state.events import PlaceOrder
from streams.lint import lint_source
from streams.strategies import build

FILE = Path(__file__).with_name("NAME.py")
PARAMS = {"venue": "bybit", "symbol": "BTCUSDT", "size": "0.01", "max_position": "0.05"}


def run() -> Trial:
    return trial(build(f"{FILE}:NAME", PARAMS, "NAME"), made_market("bybit", "BTCUSDT", seconds=60))


def test_it_trades_on_both_sides_and_does_not_fail() -> None:
    result = run()
    assert result.failed == {}
    assert {fill.side for fill in result.fills} == {"buy", "sell"}


def test_its_position_stays_within_its_limit() -> None:
    held, most = Decimal(0), Decimal(0)
    for fill in run().fills:
        held += fill.size if fill.side == "buy" else -fill.size
        most = max(most, abs(held))
    assert most <= Decimal(PARAMS["max_position"])


def test_the_same_market_leads_to_the_same_orders() -> None:
    assert run().of(PlaceOrder) == run().of(PlaceOrder) != []


def test_nothing_in_it_would_decide_otherwise_in_a_replay() -> None:
    assert lint_source(FILE.read_text(), str(FILE)) == []


def test_parameters_that_could_never_quote_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="max_position"):
        build(f"{FILE}:NAME", PARAMS | {"max_position": "0.001"})
'''

CONFIG = """# A session of NAME against a venue on this machine. In one terminal:
#
#     tapeline loopback bybit --port 8765
#
# and in another, with the keys that it prints, in the folder of this file:
#
#     TAPELINE_BYBIT_KEY=loopback-key TAPELINE_BYBIT_SECRET=loopback-secret tapeline run NAME.toml --for 20s

stop = "flatten"

[[venues]]
name = "bybit"
symbols = ["BTCUSDT"]
rest_url = "http://127.0.0.1:8765"
public_url = "ws://127.0.0.1:8765/v5/public/linear"
private_url = "ws://127.0.0.1:8765/v5/private"
trade_url = "ws://127.0.0.1:8765/v5/trade"

[[strategies]]
strategy = "NAME.py:NAME"
name = "NAME-BTCUSDT"

[strategies.params]
venue = "bybit"
symbol = "BTCUSDT"
size = "0.01"
max_position = "0.1"
spread_bps = 0.4
level_spacing_bps = 0.4
skew_bps = 0.5

[risk]
max_open_orders = 20
max_messages_per_s = 20
price_collar_bps = 200
"""


def files_of(name: str) -> dict[str, str]:
    """File names and their text."""
    return {
        f"{name}.py": STRATEGY.replace("NAME", name),
        f"test_{name}.py": TEST.replace("NAME", name),
        f"{name}.toml": CONFIG.replace("NAME", name),
    }
