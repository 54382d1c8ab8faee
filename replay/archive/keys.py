"""The wrapped key that lies beside an encrypted archive, and what Parquet makes of it; forgetting it is erasing the session."""

import os
from pathlib import Path

import msgspec

from replay.archive.names import KEY
from state.errors import LogCorrupt, WrongUse
from state.log.data_keys import WRAPPED_BYTES, LogKey, needs_key, new_data_key

FORMAT = "tapeline key 1"


class WrappedKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What stands in `key.json`; `wrapped` is hex, all zero once it is forgotten."""

    format: str
    session: str
    log_key: str
    wrapped: str


def make_key(folder: Path, session: str, key: LogKey) -> bytes:
    """A new data key for the archive in this folder, which keeps it wrapped."""
    data_key = new_data_key()
    said = WrappedKey(FORMAT, session, key.name, key.wrap(data_key, _about(session)).hex())
    _write(folder / KEY, said)
    return data_key


def key_of(folder: Path, key: LogKey | None) -> tuple[str, bytes] | None:
    """The session and data key of the archive in this folder; None where it is not encrypted, `WrongUse` without its key."""
    if not (folder / KEY).exists():
        return None
    said = _read(folder / KEY)
    wrapped, about = bytes.fromhex(said.wrapped), _about(said.session)
    if key is None and any(wrapped):
        raise needs_key(said.log_key, about)
    return said.session, (key or LogKey(b"")).unwrap(wrapped, said.log_key, about)


def forget_archive(folder: Path) -> str:
    """Destroys the wrapped key of an encrypted archive and returns whose it was; raises `WrongUse` where there is none."""
    path = folder / KEY
    if not path.exists():
        raise WrongUse(f"{folder} is not encrypted: there is no key to forget, only the folder to delete")
    said = _read(path)
    with path.open("r+b") as file:  # in place, not beside: a file that is only unlinked stays on the disk
        file.write(msgspec.json.encode(msgspec.structs.replace(said, wrapped=bytes(WRAPPED_BYTES).hex())))
        file.flush()
        os.fsync(file.fileno())
    return said.session


def _read(path: Path) -> WrappedKey:
    try:
        said = msgspec.json.decode(path.read_bytes(), type=WrappedKey)
        whole = said.format == FORMAT and len(bytes.fromhex(said.wrapped)) == WRAPPED_BYTES
    except (msgspec.DecodeError, ValueError):
        whole = False
    if not whole:
        raise LogCorrupt(f"{path} holds no wrapped key")
    return said


def _write(path: Path, said: WrappedKey) -> None:
    with path.open("xb") as file:
        file.write(msgspec.json.encode(said))
        file.flush()
        os.fsync(file.fileno())


def _about(session: str) -> str:
    return f"the archive of session {session}"
