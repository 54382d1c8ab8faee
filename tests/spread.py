"""Which files run in the same worker: those that need a library which takes seconds to import or to compile, or one session."""

from typing import Final

from xdist.scheduler import LoadFileScheduling

TOGETHER: Final = {
    f"tests/{folder}/{file}.py": what
    for what, folder, files in (
        ("hftbacktest", "adapters/paper", ("test_against_hftbacktest", "test_fifo", "test_latency")),
        (
            "ccxt", "adapters",
            (
                "loopback/test_ccxt", "loopback/binance/test_ccxt", "loopback/dydx/test_ccxt", "loopback/okx/test_ccxt",
                "loopback/hyperliquid/test_ccxt", "hyperliquid/test_ccxt", "okx/test_codes", "okx/test_official",
                "binance/test_requests", "loopback/binance/test_sdk",
            ),
        ),
        (
            "the lab's session", "replay/lab",
            ("test_sweep", "test_debug", "test_fork", "test_incident", "test_lookahead", "test_report", "test_view"),
        ),
        ("the guide's venue", "adapters/conformance", ("test_third_party", "test_guide", "test_scorecard")),
    )
    for file in files
}  # fmt: skip


class ByFile(LoadFileScheduling):
    """A file is one piece of work, and those that belong together are one too."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return TOGETHER.get(file, file)
