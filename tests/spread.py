"""Which files run in the same worker: those that need a library which takes seconds to import or to compile."""

from typing import Final

from xdist.scheduler import LoadFileScheduling

TOGETHER: Final = {
    f"tests/adapters/{file}.py": library
    for library, files in {
        "hftbacktest": ("paper/test_against_hftbacktest", "paper/test_fifo", "paper/test_latency"),
        "ccxt": (
            "loopback/test_ccxt", "loopback/binance/test_ccxt", "loopback/dydx/test_ccxt", "loopback/hyperliquid/test_ccxt",
            "loopback/okx/test_ccxt", "hyperliquid/test_ccxt", "okx/test_codes", "okx/test_official", "binance/test_requests",
            "loopback/binance/test_sdk",
        ),
    }.items()
    for file in files
}  # fmt: skip


class ByFile(LoadFileScheduling):
    """A file is one piece of work, and those that belong together are one too."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return TOGETHER.get(file, file)
