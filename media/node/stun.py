"""Who is at the other end of this address? The STUN side of an ICE-lite agent.

Answers authenticated binding requests (RFC 8445 section 2.5, RFC 8489) and nothing else: whatever
fails here gets no reply, and no reply is longer than its request, so that the node cannot be used
to reflect traffic. Own reader: a flood of strangers' requests must cost a dictionary look-up, not
a parse (docs/decisions/0005). Knows neither sockets nor parties; `admission.py` looks up the
password and decides what an answered address may do.
"""

import hmac
import ipaddress
import struct
import zlib
from dataclasses import dataclass

MAX_REQUEST_BYTES = 548  # RFC 8489 section 6.1: below the IPv4 minimum path MTU

_COOKIE = b"\x21\x12\xa4\x42"
_REQUEST, _RESPONSE = 0x0001, 0x0101
_USERNAME, _INTEGRITY, _MAPPED = 0x0006, 0x0008, 0x0020
_USE_CANDIDATE, _FINGERPRINT = 0x0025, 0x8028
_FINGERPRINT_XOR = 0x5354554E
_HEAD = struct.Struct("!HH")


@dataclass(frozen=True, slots=True)
class BindingRequest:
    """A well-formed, not yet authenticated, binding request.

    `local_ufrag` is our part of USERNAME (RFC 8445 section 7.2.2); `nominated` says that the
    controlling side chose this path.
    """

    local_ufrag: str
    nominated: bool
    transaction: bytes
    size: int
    signed: bytes
    integrity: bytes

    def is_signed_with(self, password: str) -> bool:
        """Whether MESSAGE-INTEGRITY was made with `password`."""
        return hmac.compare_digest(_integrity(self.signed, password), self.integrity)


def parse_binding_request(datagram: bytes) -> BindingRequest | None:
    """Read a binding request; None for everything that is not one."""
    size = len(datagram)
    if not 20 <= size <= MAX_REQUEST_BYTES or datagram[4:8] != _COOKIE:
        return None
    kind, length = _HEAD.unpack_from(datagram)
    if kind != _REQUEST or length + 20 != size or length % 4:
        return None
    username, nominated, integrity_at, at = b"", False, 0, 20
    while at < size:
        if at + 4 > size:
            return None
        attribute, held = _HEAD.unpack_from(datagram, at)
        value, after = at + 4, at + 4 + (held + 3 & ~3)
        if after > size:
            return None
        if attribute == _FINGERPRINT:
            if after != size or not _is_fingerprint(datagram, at, held):
                return None
        elif integrity_at:
            return None  # RFC 8489 section 14.5: nothing but FINGERPRINT may follow
        elif attribute == _USERNAME:
            username = datagram[value : value + held]
        elif attribute == _USE_CANDIDATE:
            nominated = True
        elif attribute == _INTEGRITY:
            if held != 20:
                return None
            integrity_at = at
        at = after
    ours, separator, _ = username.partition(b":")
    if not integrity_at or not separator or not ours.isascii():
        return None
    # The length in the header counts up to and with MESSAGE-INTEGRITY (RFC 8489 section 14.5).
    head = datagram[:2] + (integrity_at + 4).to_bytes(2, "big") + datagram[4:integrity_at]
    return BindingRequest(
        ours.decode(),
        nominated,
        datagram[8:20],
        size,
        head,
        datagram[integrity_at + 4 : integrity_at + 24],
    )


def binding_response(
    request: BindingRequest, address: tuple[str, int], password: str
) -> bytes | None:
    """The success response that tells the peer its own `address` as seen from here.

    None if it would be longer than its request.
    """
    host = ipaddress.ip_address(address[0].partition("%")[0])
    if isinstance(host, ipaddress.IPv6Address) and host.ipv4_mapped is not None:
        host = host.ipv4_mapped
    mask = _COOKIE + request.transaction
    port = address[1] ^ int.from_bytes(mask[:2], "big")
    packed = bytes(byte ^ key for byte, key in zip(host.packed, mask, strict=False))
    family = 1 if host.version == 4 else 2
    mapped = _HEAD.pack(_MAPPED, 4 + len(packed)) + struct.pack("!BBH", 0, family, port) + packed
    body = _head(len(mapped) + 24, request.transaction) + mapped
    body += _HEAD.pack(_INTEGRITY, 20) + _integrity(body, password)
    whole = _head(len(body) - 20 + 8, request.transaction) + body[20:]
    whole += struct.pack("!HHI", _FINGERPRINT, 4, zlib.crc32(whole) ^ _FINGERPRINT_XOR)
    return whole if len(whole) <= request.size else None


def _head(length: int, transaction: bytes) -> bytes:
    return _HEAD.pack(_RESPONSE, length) + _COOKIE + transaction


def _integrity(signed: bytes, password: str) -> bytes:
    return hmac.digest(password.encode(), signed, "sha1")


def _is_fingerprint(datagram: bytes, at: int, held: int) -> bool:
    if held != 4:
        return False
    (found,) = struct.unpack_from("!I", datagram, at + 4)
    return bool(found == zlib.crc32(datagram[:at]) ^ _FINGERPRINT_XOR)
