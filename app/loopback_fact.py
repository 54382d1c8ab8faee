"""What `tapeline loopback --json` says and `demo` reads, apart from the venues: a live session need not load those."""

import msgspec


class LoopbackFact(msgspec.Struct):
    """Where the venue listens, and the keys of its only customer."""

    venue: str
    rest_url: str
    public_url: str
    private_url: str
    trade_url: str
    grpc_address: str
    """Host and port; empty where the venue has no such door."""
    key: str
    secret: str
    passphrase: str
    """Empty where the venue asks for none."""
    symbols: list[str]
