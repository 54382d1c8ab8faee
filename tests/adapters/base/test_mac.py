"""Signatures under a prepared key equal the standard library's, whatever the lengths."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base.mac import Mac

# https://www.rfc-editor.org/rfc/rfc4231, test cases 1, 2, 3 and 6 (a key longer than a block)
VECTORS = [
    pytest.param(
        b"\x0b" * 20, b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7", id="case 1"
    ),
    pytest.param(
        b"Jefe",
        b"what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        id="case 2",
    ),
    pytest.param(
        b"\xaa" * 20, b"\xdd" * 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe", id="case 3"
    ),
    pytest.param(
        b"\xaa" * 131,
        b"Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        id="case 6",
    ),
]


@pytest.mark.parametrize(("key", "message", "signature"), VECTORS)
def test_a_published_message_gets_its_published_signature(key: bytes, message: bytes, signature: str) -> None:
    assert Mac(key).hex(message) == signature


@given(key=st.binary(max_size=200), first=st.binary(max_size=300), second=st.binary(max_size=300))
def test_one_signature_leaves_nothing_for_the_next(key: bytes, first: bytes, second: bytes) -> None:
    mac = Mac(key)
    for message in (first, second, first):
        assert mac.hex(message) == hmac.new(key, message, hashlib.sha256).hexdigest()
