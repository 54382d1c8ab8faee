"""Which programs measure which work: ours, and with `--rivals` theirs, each a fresh process."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.venue_frames import CAPTURES


@dataclass(frozen=True, slots=True)
class Case:
    """One program; `rival` names the environment of another project, empty for ours."""

    work: str
    module: str
    arguments: tuple[str, ...] = ()
    rival: str = ""


CASES: Sequence[Case] = (
    Case("P1", "benchmarks.p1_in_process"),
    Case("P1", "benchmarks.p1_in_process", ("default-collector",)),
    Case("P1", "benchmarks.rivals.ccxt_frames", rival="ccxt"),
    Case("P1", "benchmarks.rivals.cryptofeed_frames", rival="cryptofeed"),
    Case("P1", "benchmarks.rivals.nautilus_frames", rival="nautilus"),
    Case("P2", "benchmarks.p2_durable", ("log",)),
    Case("P2", "benchmarks.p2_durable", ("no-log",)),
    Case("P2", "benchmarks.rivals.nautilus_frames", ("write",), rival="nautilus"),
    Case("P3", "benchmarks.p3_socket"),
    Case("P3", "benchmarks.rivals.ccxt_socket", rival="ccxt"),
    Case("P3", "benchmarks.rivals.cryptofeed_socket", rival="cryptofeed"),
    Case("P4", "benchmarks.p4_order"),
    Case("P4", "benchmarks.p4_order", ("durable",)),
    Case("P4", "benchmarks.rivals.ccxt_order", rival="ccxt"),
    Case("P4", "benchmarks.rivals.nautilus_order", rival="nautilus"),
    Case("P5", "benchmarks.p5_append", ("sqlite",)),
    Case("P5", "benchmarks.p5_append", ("postgres",)),
    Case("P5", "benchmarks.rivals.eventsourcing_append", ("sqlite",), rival="eventsourcing"),
    Case("P5", "benchmarks.rivals.eventsourcing_append", ("application",), rival="eventsourcing"),
    Case("P5", "benchmarks.rivals.eventsourcing_append", ("postgres",), rival="eventsourcing"),
    Case("P6", "benchmarks.p6_replay"),
    Case("P6", "benchmarks.rivals.nautilus_catalog", rival="nautilus"),
    Case("P7", "benchmarks.p7_simulate", ("quotes",)),
    Case("P7", "benchmarks.p7_simulate", ("deltas",)),
    Case("P7", "benchmarks.p7_sweep"),
    Case("P7", "benchmarks.rivals.hftbacktest_simulate", ("quotes",), rival="hftbacktest"),
    Case("P7", "benchmarks.rivals.hftbacktest_simulate", ("deltas",), rival="hftbacktest"),
    Case("P7", "benchmarks.rivals.nautilus_simulate", ("quotes",), rival="nautilus"),
    Case("P7", "benchmarks.rivals.nautilus_simulate", ("deltas",), rival="nautilus"),
    Case("P8", "benchmarks.p8_tail"),
    Case("P8", "benchmarks.p8_start"),
    Case("P8", "benchmarks.rivals.start", ("ccxt",), rival="ccxt"),
    Case("P8", "benchmarks.rivals.start", ("nautilus",), rival="nautilus"),
    Case("P9", "benchmarks.p9_growth"),
    Case("P9", "benchmarks.p9_streams"),
    Case("OP", "benchmarks.operators"),
    Case("L", "benchmarks.l_debug"),
    *(Case("D", "benchmarks.d_decode", (venue,)) for venue in CAPTURES),
    *(Case("D", "benchmarks.rivals.ccxt_venues", (venue,), rival="ccxt") for venue in CAPTURES if venue != "dydx"),
    *(
        Case("D", "benchmarks.rivals.cryptofeed_venues", (venue,), rival="cryptofeed")
        for venue in ("bybit", "binance", "okx.spot")
    ),
)
