"""The venue's frames as `msgspec.Struct`s: what is decoded, and nothing more."""

from msgspec import Struct


class Envelope(Struct, gc=False):
    """Any frame, as far as one must look to know what it is."""

    # ? By which fields is a frame of a topic known, and by which an answer to a request?
    topic: str | None = None
