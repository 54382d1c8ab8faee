"""P3: P1 from a localhost WebSocket, by the pump and the transport of a live session, on uvloop as the command line runs."""

import uvloop

from adapters.base.network import AiohttpTransport
from adapters.base.socket import Pump
from adapters.bybit.websocket import Websocket
from app.collector import Collector
from benchmarks.blast import blasting
from benchmarks.ingest import SYMBOLS, VENUE, KeptBlocks, client_ids
from benchmarks.measure import WrongAnswer, check_points, frame_limit, frames, is_book
from benchmarks.tap import Tap
from state.book import Book
from state.clock import WallClock
from streams.pipeline import Pipeline


def topics(depth: int) -> list[str]:
    kinds = (f"orderbook.{depth}", "publicTrade")
    return [f"{kind}.{symbol}" for kind in kinds for symbol in SYMBOLS]


def depth() -> int:
    """The depth that the input's topics name."""
    book = next(frame for frame in frames() if is_book(frame))
    return int(book.split(b".", 2)[1])


async def measure(url: str) -> None:
    tap, clock = Tap(), WallClock()
    pipeline = Pipeline(KeptBlocks(), client_ids)
    websocket = Websocket(VENUE, "public.0", url, topics(depth()))
    transport = AiohttpTransport()
    pump = Pump(websocket, transport, pipeline, clock, venue=VENUE, seed="bench")

    def read(book: Book) -> None:
        if book.is_ok:
            book.touch()
            tap.count()

    for symbol in SYMBOLS:
        pipeline.source(Book, VENUE, symbol).subscribe(read)
    with Collector():
        pump.start()
        await tap.wait()
    await pump.stop()
    await transport.close()
    if frame_limit() is None:
        _check_end(pipeline)
    tap.tell("tapeline, socket")


def _check_end(pipeline: Pipeline) -> None:
    """The last check point of each symbol that stands behind its last frame."""
    _, (symbol, bid, ask) = max(check_points().items())
    book = pipeline.shared.market(VENUE, symbol).book
    if not book.is_ok or abs(book.bid / bid - 1) > 0.01 or abs(book.ask / ask - 1) > 0.01:
        raise WrongAnswer(f"{symbol}: {book.bid}/{book.ask} at the end, about {bid}/{ask} expected")


def main() -> None:
    with blasting(2 * len(SYMBOLS)) as url:
        uvloop.run(measure(url))


if __name__ == "__main__":
    main()
