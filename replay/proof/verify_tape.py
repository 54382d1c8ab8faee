"""Checks a sealed session, or a proof that a record is in one, with Python's standard library and nothing else.

    python verify_tape.py run.tape [--head HEX] [--public-key FILE]
    python verify_tape.py proof.json --head HEX

A tape that agrees with itself shows that nothing was changed by accident or by a careless hand. Whoever made a new tape from
the first byte on can make it agree with itself too: only a head that was written down elsewhere, or a signature, tells.
Exit codes: 0 clean, 1 findings, 2 could not run. What a tape is made of: replay/proof/container.py, docs/audit.md.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

Json = dict[str, Any]  # this file has only the standard library to read JSON with
Point = tuple[int, int, int, int]

MAGIC = b"TAPELINE TAPE 1\n"
CHECKPOINT = "tapeline checkpoint 1"
PROOF = "tapeline proof 1"
SESSION_OPENED = 50101
BODY_BYTES_MAX = 1 << 30
FINDINGS_MAX = 20


class Bad(Exception):
    """Something does not hold; `seq` is the first record that is not to be trusted because of it, 0 for the whole."""

    def __init__(self, text: str, seq: int = 0) -> None:
        super().__init__(text)
        self.seq = seq


class CannotRun(Exception):
    """There is nothing that could be checked."""


# --- MessagePack: https://github.com/msgpack/msgpack/blob/master/spec.md ------------------------------------------------

_NUMBERS = {0xCC: (1, False), 0xCD: (2, False), 0xCE: (4, False), 0xCF: (8, False)}
_NUMBERS.update({0xD0: (1, True), 0xD1: (2, True), 0xD2: (4, True), 0xD3: (8, True)})
_PLAIN = {0xC0: 0, 0xC2: 0, 0xC3: 0, 0xCA: 4, 0xCB: 8}
_SIZED = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4}
_ARRAYS = {0xDC: 2, 0xDD: 4}
_MAPS = {0xDE: 2, 0xDF: 4}


def number(raw: bytes, at: int) -> tuple[int, int]:
    """The integer at `at`, and where it ends."""
    first = raw[at]
    if first <= 0x7F:
        return first, at + 1
    if first >= 0xE0:
        return first - 256, at + 1
    if first not in _NUMBERS:
        raise Bad("a number is missing")
    width, signed = _NUMBERS[first]
    return int.from_bytes(raw[at + 1 : at + 1 + width], "big", signed=signed), at + 1 + width


def array(raw: bytes, at: int) -> tuple[int, int]:
    """How many entries the array at `at` has, and where the first of them begins."""
    first = raw[at]
    if 0x90 <= first <= 0x9F:
        return first & 0x0F, at + 1
    if first not in _ARRAYS:
        raise Bad("an array is missing")
    width = _ARRAYS[first]
    return int.from_bytes(raw[at + 1 : at + 1 + width], "big"), at + 1 + width


def end_of(raw: bytes, at: int) -> int:
    """Where the value at `at` ends."""
    waiting = 1
    while waiting:
        waiting -= 1
        first = raw[at]
        if first <= 0x7F or first >= 0xE0:
            at += 1
        elif first <= 0x8F:
            at, waiting = at + 1, waiting + 2 * (first & 0x0F)
        elif first <= 0x9F:
            at, waiting = at + 1, waiting + (first & 0x0F)
        elif first <= 0xBF:
            at += 1 + (first & 0x1F)
        elif first in _PLAIN:
            at += 1 + _PLAIN[first]
        elif first in _NUMBERS:
            at += 1 + _NUMBERS[first][0]
        elif first in _SIZED:
            at += 1 + _SIZED[first] + int.from_bytes(raw[at + 1 : at + 1 + _SIZED[first]], "big")
        elif first in _ARRAYS:
            entries, at = array(raw, at)
            waiting += entries
        elif first in _MAPS:
            waiting += 2 * int.from_bytes(raw[at + 1 : at + 1 + _MAPS[first]], "big")
            at += 1 + _MAPS[first]
        else:
            raise Bad(f"the byte {first:#x} begins no value")
    return at


def split(raw: bytes, count: int) -> list[bytes]:
    """The bytes of each of `count` values that fill `raw`."""
    parts, at = [], 0
    try:
        while at < len(raw):
            end = end_of(raw, at)
            parts.append(raw[at:end])
            at = end
    except IndexError:
        at = -1
    if at != len(raw) or len(parts) != count:
        raise Bad(f"{count} values are due, {len(parts)} are there")
    return parts


def envelope(raw: bytes) -> tuple[int, int, int]:
    """Seq of a record and tag of its event, and where the event's fields begin; between them stand receipt and cause."""
    fields, at = array(raw, 0)
    if fields != 4:
        raise Bad("a record has not four fields")
    seq, at = number(raw, at)
    tag, at = number(raw, array(raw, end_of(raw, end_of(raw, at)))[1])
    return seq, tag, at


def text(raw: bytes, at: int) -> str:
    """The text at `at`."""
    width = {0xD9: 1, 0xDA: 2, 0xDB: 4}.get(raw[at], 0)
    return raw[at + 1 + width : end_of(raw, at)].decode()


# --- hashes: https://www.rfc-editor.org/rfc/rfc6962#section-2.1 ---------------------------------------------------------


def sha(raw: bytes) -> bytes:
    return hashlib.sha256(raw).digest()


class Tree:
    """A Merkle tree that grows at its end, as the roots of its full subtrees."""

    def __init__(self) -> None:
        self.size = 0
        self.peaks: list[bytes] = []

    def add(self, entry: bytes) -> None:
        self.size += 1
        grown, full = sha(b"\x00" + entry), self.size
        while not full & 1:
            grown, full = sha(b"\x01" + self.peaks.pop() + grown), full >> 1
        self.peaks.append(grown)

    def root(self) -> str:
        if not self.peaks:
            return sha(b"").hex()
        found = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            found = sha(b"\x01" + peak + found)
        return found.hex()


def root_of(entry: bytes, index: int, size: int, path: list[bytes]) -> str:
    """The root that an entry and its path lead to. https://www.rfc-editor.org/rfc/rfc9162#section-2.1.3.2"""
    at, last, found = index, size - 1, sha(b"\x00" + entry)
    for sibling in path:
        if last == 0:
            raise Bad("the path is longer than the tree is high", index + 1)
        if at & 1 or at == last:
            found = sha(b"\x01" + sibling + found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = sha(b"\x01" + found + sibling)
        at, last = at >> 1, last >> 1
    if last:
        raise Bad("the path is shorter than the tree is high", index + 1)
    return found.hex()


def canonical(fields: Json) -> bytes:
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()


def head_of(checkpoint: Json) -> str:
    """The hash of a checkpoint's statement."""
    return sha(canonical({"format": CHECKPOINT, **checkpoint})).hex()


# --- Ed25519: https://www.rfc-editor.org/rfc/rfc8032#section-5.1 --------------------------------------------------------

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def add(one: Point, other: Point) -> Point:
    a, b = (one[1] - one[0]) * (other[1] - other[0]) % P, (one[1] + one[0]) * (other[1] + other[0]) % P
    c, d = 2 * one[3] * other[3] * D % P, 2 * one[2] * other[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(scalar: int, point: Point) -> Point:
    found = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            found = add(found, point)
        point, scalar = add(point, point), scalar >> 1
    return found


def unpack_point(raw: bytes) -> Point:
    y = int.from_bytes(raw, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if y >= P or (x * x - square) % P or (x == 0 and sign):
        raise ValueError("not a point of the curve")
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


BASE = unpack_point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def signature_holds(public: bytes, statement: bytes, signature: bytes) -> bool:
    """True where the signature is this key's over this statement."""
    scalar = int.from_bytes(signature[32:], "little")
    if len(public) != 32 or len(signature) != 64 or scalar >= ORDER:
        return False
    try:
        key, nonce = unpack_point(public), unpack_point(signature[:32])
    except ValueError:
        return False
    hashed = int.from_bytes(hashlib.sha512(signature[:32] + public + statement).digest(), "little") % ORDER
    left, right = times(scalar, BASE), add(nonce, times(hashed, key))
    same_x = (left[0] * right[2] - right[0] * left[2]) % P == 0
    return same_x and (left[1] * right[2] - right[1] * left[2]) % P == 0


def public_key(path: str) -> bytes:
    """The 32 bytes of an Ed25519 public key in PEM (SubjectPublicKeyInfo)."""
    with open(path, encoding="ascii") as file:
        lines = [line.strip() for line in file if not line.startswith("-----")]
    raw = base64.b64decode("".join(lines))
    if len(raw) != 44 or raw[:12].hex() != "302a300506032b6570032100":
        raise CannotRun(f"{path} holds no Ed25519 public key in PEM")
    return raw[12:]


# --- the tape -----------------------------------------------------------------------------------------------------------


class Check:
    """Goes through one tape from its first byte to its last."""

    def __init__(self, head: str, public: bytes | None) -> None:
        self.asked_head = head
        self.public = public
        self.opening: Json = {}
        self.checkpoints: list[Json] = []
        self.findings: list[tuple[int, str]] = []
        self.seq = 0
        self.records, self.frames = Tree(), Tree()
        self.due: list[Json] = []
        self.frames_due: list[Json] = []
        self.good = 0
        self.head = ""

    def run(self, path: str) -> None:
        try:
            with open(path, "rb") as file:
                for kind, content in self.sections(file):
                    self.section(kind, content)
            self.end()
        except Bad as bad:
            self.find(bad.seq or self.seq + 1, str(bad))
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            self.find(self.seq + 1, f"a section cannot be read: {type(error).__name__}: {error}")

    def find(self, seq: int, what: str) -> None:
        if len(self.findings) < FINDINGS_MAX:
            self.findings.append((seq, what))

    def sections(self, file: BinaryIO) -> Iterator[tuple[str, bytes]]:
        hashed = hashlib.sha256()
        magic = file.read(len(MAGIC))
        if magic != MAGIC:
            raise CannotRun("this is no tape of a version that is known here")
        hashed.update(magic)
        while True:
            head = file.read(16)
            length = int.from_bytes(head[4:12], "big")
            if len(head) < 16 or length > BODY_BYTES_MAX:
                raise Bad("the tape is cut off or damaged")
            body = file.read(length)
            if len(body) < length:
                raise Bad("the tape is cut off")
            if zlib.crc32(body) != int.from_bytes(head[12:], "big"):
                raise Bad("a section is damaged: its CRC differs")
            press = zlib.decompressobj()
            try:
                content = press.decompress(body, BODY_BYTES_MAX)
            except zlib.error as error:
                raise Bad(f"a section is damaged: {error}") from None
            if not press.eof or press.unused_data:
                raise Bad("a section is damaged")
            if head[:4] == b"LAST":
                if content != hashed.digest():
                    self.find(0, "the tape is not the one that was sealed: the hash at its end differs")
                if file.read(1):
                    self.find(0, "something stands behind the end of the tape")
                return
            yield head[:4].decode("ascii", "replace"), content
            hashed.update(head + body)

    def section(self, kind: str, content: bytes) -> None:
        if kind == "OPEN" and not self.opening:
            self.open(json.loads(content))
        elif kind == "CHKS" and self.opening and not self.checkpoints:
            self.take_checkpoints(json.loads(content))
        elif kind == "RECS" and self.checkpoints and not self.frames.size:
            self.take_records(content)
        elif kind == "FRMS" and self.checkpoints:
            self.take_frames(content)
        else:
            raise Bad(f"a section {kind!r} stands where none belongs")

    def open(self, opening: Json) -> None:
        self.opening = opening
        session = opening["session"].encode()
        self.mark_seed = zlib.crc32(session)
        self.digest = hashlib.blake2b(session, digest_size=32)
        said = {name: opening[name] for name in ("session", "opened", "parent", "manifest")}
        self.facts = sha(canonical(said)).hex()

    def take_checkpoints(self, signed: list[Json]) -> None:
        if not signed or any(set(each) != {"checkpoint", "key", "signature"} for each in signed):
            raise Bad("there is no checkpoint, or one that is none")
        self.checkpoints = [each["checkpoint"] for each in signed]
        self.due, self.frames_due = list(self.checkpoints), list(self.checkpoints)
        previous, reached = "", 0
        for count, each in enumerate(signed):
            it = each["checkpoint"]
            if (it["session"], it["number"], it["previous"]) != (self.opening["session"], count, previous):
                self.find(reached + 1, f"checkpoint {count} does not follow from the one before it")
            if it["facts"] != self.facts:
                self.find(1, f"manifest, parent or time of opening are not those that checkpoint {count} covers")
            previous = head_of(it)
            if each["signature"] and self.public is not None:
                self.signature(each, reached + 1)
            reached = it["seq"]
        self.head = previous
        last = signed[-1]
        if any(last["checkpoint"][name] != self.opening[name] for name in ("status", "closed")):
            self.find(max(1, reached), "status or time of closing are not what the last checkpoint says")
        if self.public is not None and not last["signature"]:
            self.find(1, "the last checkpoint is not signed")
        if self.asked_head and self.asked_head not in (self.head, self.opening["head"]):
            self.find(1, f"this is another session: its head is {self.head}")
        self.reach()
        self.reach_frames()

    def signature(self, signed: Json, seq: int) -> None:
        statement = canonical({"format": CHECKPOINT, **signed["checkpoint"]})
        assert self.public is not None
        if not signature_holds(self.public, statement, bytes.fromhex(signed["signature"])):
            self.find(seq, f"the signature of checkpoint {signed['checkpoint']['number']} does not hold for this key")

    def take_records(self, content: bytes) -> None:
        first, count = int.from_bytes(content[:8], "big"), int.from_bytes(content[8:12], "big")
        digest, marks, raw = content[12:44], content[44 : 44 + 2 * count], content[44 + 2 * count :]
        if first != self.seq + 1:
            raise Bad(f"record {self.seq + 1} is due, the section begins with {first}")
        for place, part in enumerate(split(raw, count)):
            mark = zlib.crc32(part, self.mark_seed) & 0xFFFF
            if mark != int.from_bytes(marks[2 * place : 2 * place + 2], "little"):
                self.find(first + place, "this record is not the one that was written: its mark differs")
            self.record(part)
        if self.digest.digest() != digest:
            self.find(first, f"the running digest does not hold over records {first} to {self.seq}")

    def record(self, part: bytes) -> None:
        due = self.seq + 1
        seq, tag, at = envelope(part)
        if seq != due:
            raise Bad(f"a record says that it is {seq} where {due} is due", due)
        if seq == 1 and (tag != SESSION_OPENED or text(part, at) != self.opening["session"]):
            self.find(1, "the first record does not open this session")
        self.seq = seq
        self.digest.update(part)
        self.records.add(part)
        if self.due and self.due[0]["seq"] <= seq:
            self.reach()

    def reach(self) -> None:
        while self.due and self.due[0]["seq"] <= self.seq:
            it = self.due.pop(0)
            if (it["seq"], it["root"], it["digest"]) != (self.seq, self.records.root(), self.digest.hexdigest()):
                what = f"records {self.good + 1} to {it['seq']} are not those that checkpoint {it['number']} covers"
                self.find(self.good + 1, what)
            self.good = it["seq"]

    def take_frames(self, content: bytes) -> None:
        for part in split(content[4:], int.from_bytes(content[:4], "big")):
            frame, at = number(part, array(part, 0)[1])
            first, at = number(part, at)
            last, at = number(part, at)
            if frame != self.frames.size + 1 or not 0 <= first <= last <= self.seq:
                raise Bad(f"frame {self.frames.size + 1} is due, {frame} is there, of records {first} to {last}", first)
            self.frames.add(part)
            self.reach_frames()

    def reach_frames(self) -> None:
        while self.frames_due and self.frames_due[0]["frames"] <= self.frames.size:
            it = self.frames_due.pop(0)
            if (it["frames"], it["frames_root"]) != (self.frames.size, self.frames.root()):
                self.find(max(1, it["seq"]), f"the frames are not those that checkpoint {it['number']} covers")

    def end(self) -> None:
        if not self.checkpoints:
            raise Bad("the tape has no checkpoints")
        if self.due or self.seq != self.opening["last_seq"] or self.good != self.seq:
            self.find(self.seq + 1, f"{self.seq} records are there, {self.opening['last_seq']} were sealed")
        if self.frames_due or self.frames.size != self.checkpoints[-1]["frames"]:
            self.find(max(1, self.seq), "there are more or fewer frames than the last checkpoint covers")
        if self.digest.hexdigest() != self.opening["head"]:
            self.find(max(1, self.seq), "the running digest at the end is not the session's")


def check_proof(path: str, head: str) -> str:
    """One line on what is proven; raises `Bad`."""
    with open(path, encoding="utf-8") as file:
        proof = json.load(file)
    if proof.get("format") != PROOF:
        raise CannotRun(f"{path} is no proof of a version that is known here")
    seq, checkpoint, record = proof["seq"], proof["checkpoint"], base64.b64decode(proof["record"], validate=True)
    if head_of(checkpoint) != head:
        raise Bad("the proof is for another head", seq)
    if not 1 <= seq <= checkpoint["seq"] or envelope(record)[0] != seq or end_of(record, 0) != len(record):
        raise Bad("the proof's record is not the one that it names", seq)
    path_up = [bytes.fromhex(sibling) for sibling in proof["path"]]
    if root_of(record, seq - 1, checkpoint["seq"], path_up) != checkpoint["root"]:
        raise Bad("the record is not in the tree", seq)
    return f"record {seq} is record {seq} of the {checkpoint['seq']} of session {checkpoint['session']} under this head"


def main(words: list[str]) -> int:
    say = sys.stdout.write
    try:
        if len(words) % 2 != 1 or any(word not in ("--head", "--public-key") for word in words[1::2]):
            raise CannotRun("usage: verify_tape.py run.tape|proof.json [--head HEX] [--public-key FILE]")
        options = dict(zip(words[1::2], words[2::2]))  # noqa: B905 - Python 3.9 has no strict
        head = options.get("--head", "").lower()
        if not words[0].endswith(".json"):
            return _tape(words[0], head, options.get("--public-key", ""))
        if not head:
            raise CannotRun("a proof is checked against a head: --head HEX")
        say(check_proof(words[0], head) + "\n")
    except Bad as bad:
        say(f"seq {bad.seq}: {bad}\n")
        return 1
    except (CannotRun, OSError, ValueError, LookupError, TypeError) as error:
        sys.stderr.write(f"verify_tape: {type(error).__name__}: {error}\n")
        return 2
    return 0


def _tape(path: str, head: str, key: str) -> int:
    check = Check(head, public_key(key) if key else None)
    check.run(path)
    say = sys.stdout.write
    name = check.opening.get("session", "?")
    say(f"session {name}: {check.seq} records, {check.frames.size} frames, {len(check.checkpoints)} checkpoints\n")
    say(f"head {check.head}\ndigest {check.opening.get('head', '')}\n")
    for seq, what in sorted(check.findings):
        say(f"seq {seq}: {what}\n")
    if check.findings:
        return 1
    outside = [f" and with the {word} that you gave" for word, given in (("head", head), ("key", key)) if given]
    say("clean: agrees with itself" + "".join(outside) + "\n")
    if not outside:
        say("whoever can make a whole new tape can make it agree with itself too: compare the head or give a key\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
