"""Both databases, a session in them, and keys that are made for the test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from replay.proof.keys import PublicKey, Signer
from state.log import Log


@pytest.fixture(params=["sqlite", "postgresql"])
def log_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty log, once on each database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/log.db"
    url: str = request.getfixturevalue("postgres_log_url")
    return url


@pytest.fixture
def log(log_url: str) -> Iterator[Log]:
    """An empty log."""
    with Log.open(log_url) as opened:
        yield opened


@pytest.fixture
def file_log(tmp_path: Path) -> Iterator[Log]:
    """An empty log on SQLite, where the database makes no difference."""
    with Log.open(f"sqlite:///{tmp_path}/file.db") as opened:
        yield opened


def write_key(folder: Path, name: str, seed: int) -> tuple[Path, Path]:
    """A private key that only we may read, and its public half."""
    key = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
    private, public = folder / f"{name}.pem", folder / f"{name}.pub"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    private.chmod(0o600)
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return private, public


@pytest.fixture
def key_files(tmp_path: Path) -> tuple[Path, Path]:
    """The operator's key."""
    return write_key(tmp_path, "key", 7)


@pytest.fixture
def signer(key_files: tuple[Path, Path]) -> Signer:
    return Signer.load(key_files[0])


@pytest.fixture
def public_key(key_files: tuple[Path, Path]) -> PublicKey:
    return PublicKey.load(key_files[1])


@pytest.fixture
def forger(tmp_path: Path) -> Signer:
    """Somebody else's key."""
    return Signer.load(write_key(tmp_path, "forger", 8)[0])
