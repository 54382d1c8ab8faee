"""Recorded raw frames, by whoever recorded them: a file in, frames out, in the order in which they were written down.

The format is told by the content, never by the file's name. Nothing is read whole but a file that is one JSON document, and
that only up to a bound. What cannot be read raises `WrongUse` naming the file and the line; whether a *frame* makes sense is
for an adapter to say.
"""

from collections.abc import Iterator
from io import BufferedIOBase
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from replay.recording_formats import (
    FORMATS,
    MisfitLine,
    PlainLines,
    Reader,
    RecordedFrame,
    is_json,
    plain,
)
from replay.recording_lines import lines
from state.errors import WrongUse

__all__ = ["RecordedFrame", "Recording"]

HEAD_LINES: Final = 16  # how many lines of a file may pass before something like a frame must have shown
MAX_DOCUMENT_BYTES: Final = 16 * 1024 * 1024


class Recording:
    """One file of recorded frames, or a stream of them; it can be iterated over once.

    `format` names what was found; `position_bytes` of `size_bytes` are read (0 of a stream, whose size nobody knows).
    """

    def __init__(self, name: str, raw: BufferedIOBase, size_bytes: int = 0, *, any_text: bool = False) -> None:
        """With `any_text`, what is of no known format is one frame a line. Raises `WrongUse`."""
        self.name = name
        self.size_bytes = size_bytes
        self.position_bytes = 0
        self._raw = raw
        self._lines = lines(name, raw, self._advance)
        self._head: list[bytes] = []
        self.format, self._reader = self._detect(any_text)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Raises `WrongUse` where there is no such file, or nothing in it that is known."""
        try:
            raw = path.open("rb")
        except OSError as error:
            raise WrongUse(f"cannot read {path}: {error.strerror}") from error
        try:
            return cls(str(path), raw, path.stat().st_size)
        except BaseException:
            raw.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of the file."""
        self._raw.close()

    def __iter__(self) -> Iterator[RecordedFrame]:
        """Raises `WrongUse` at the first line that is not of the format."""
        if self._reader is None:
            yield plain(b"\n".join(self._head))
            return
        head, self._head = self._head, []
        for number, line in enumerate(chain(head, self._lines), start=1):
            if not line.strip():
                continue
            try:
                frame = self._reader.receive(line)
            except MisfitLine as error:
                raise WrongUse(f"{self.name}: line {number} is not {self.format}: {error}") from error
            if frame is not None:
                yield frame

    def _advance(self, taken: int) -> None:
        self.position_bytes += taken

    def _detect(self, any_text: bool) -> tuple[str, Reader | None]:
        """The format and its reader, None for a file that is one document and stands whole in `_head`."""
        first = self._peek()
        if first is None:
            raise WrongUse(f"{self.name}: nothing is in it")
        for name, known in FORMATS.items():
            if known.fits(first):
                return name, known()
        if first.strip() in _OPENINGS and self._is_document():
            return "one JSON document", None
        while not any_text and not any(map(PlainLines.fits, self._head)):
            if len(self._head) >= HEAD_LINES or self._peek() is None:
                raise WrongUse(f"{self.name}: of no known format; its first line is {_excerpt(first)}")
        return "frames, one a line", PlainLines()

    def _peek(self) -> bytes | None:
        """One more line that is not blank, kept in `_head`."""
        for line in self._lines:
            self._head.append(line)
            if line.strip():
                return line
        return None

    def _is_document(self) -> bool:
        size = sum(map(len, self._head))
        for line in self._lines:
            self._head.append(line)
            size += len(line) + 1
            if size > MAX_DOCUMENT_BYTES:
                return False
        return is_json(b"\n".join(self._head))


_OPENINGS: Final = (b"{", b"[")  # a line of nothing else begins a document that is printed over several


def _excerpt(line: bytes) -> str:
    text = line[:60].decode("utf-8", "replace")
    return repr(text + "…" if len(line) > len(text) else text)
