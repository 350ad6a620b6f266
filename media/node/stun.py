"""Who is at the other end of this address? The STUN side of an ICE-lite agent.

Answers authenticated binding requests (RFC 8445 section 2.5, RFC 8489) and nothing else: whatever
fails here gets no reply, so that the node cannot be used to reflect traffic. Knows neither
sockets nor parties; `node.py` looks up the password and decides what an answered address may do.
"""

import struct
from dataclasses import dataclass

from aioice import stun

MAX_REQUEST_BYTES = 548  # RFC 8489 section 6.1: below the IPv4 minimum path MTU


@dataclass(frozen=True, slots=True)
class BindingRequest:
    """A well-formed, not yet authenticated, binding request.

    `local_ufrag` is our part of USERNAME (RFC 8445 section 7.2.2); `nominated` says that the
    controlling side chose this path.
    """

    local_ufrag: str
    nominated: bool
    message: stun.Message

    def is_signed_with(self, password: str) -> bool:
        """Whether MESSAGE-INTEGRITY was made with `password`."""
        return self.message.check_message_integrity(password.encode())


def parse_binding_request(datagram: bytes) -> BindingRequest | None:
    """Read a binding request; None for everything that is not one."""
    if len(datagram) > MAX_REQUEST_BYTES:
        return None
    try:
        message = stun.parse_message(datagram)
    except (ValueError, KeyError, IndexError, struct.error):  # aioice 0.13 lets it through
        return None
    if (
        message.message_method != stun.Method.BINDING
        or message.message_class != stun.Class.REQUEST
        or "MESSAGE-INTEGRITY" not in message.attributes
    ):
        return None
    local_ufrag, separator, _ = str(message.attributes.get("USERNAME", "")).partition(":")
    if not separator:
        return None
    return BindingRequest(local_ufrag, "USE-CANDIDATE" in message.attributes, message)


def binding_response(request: BindingRequest, address: tuple[str, int], password: str) -> bytes:
    """The success response that tells the peer its own `address` as seen from here."""
    response = stun.Message(
        message_method=stun.Method.BINDING,
        message_class=stun.Class.RESPONSE,
        transaction_id=request.message.transaction_id,
    )
    response.attributes["XOR-MAPPED-ADDRESS"] = address
    response.add_message_integrity(password.encode())
    return bytes(response)
