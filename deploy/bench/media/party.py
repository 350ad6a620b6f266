"""Who talks in a measured call? One end of a connection: ICE, DTLS as the client, SRTP keys.

The controlling side of ICE (RFC 8445): checks the server's address with USE-CANDIDATE and answers
the server's own checks. Knows no socket and no clock: datagrams go out through `send`, time comes
as `tick`. Has nothing in common with the measured node but the libraries. RFC 5764, 8445, 8489.
"""

import datetime
import os
import secrets
import struct
from collections.abc import Callable

import msgspec
from aioice import stun
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from OpenSSL import SSL
from pylibsrtp import Policy, Session

from deploy.bench.media.wire import Address

_PRIORITY = 110 << 24 | 65535 << 8 | 255  # peer-reflexive, RFC 8445 section 5.1.2.1
_MTU = 1200
# What the load offers; the measured servers all choose from it: GCM where they can.
_PROFILES = {
    b"SRTP_AEAD_AES_128_GCM": (Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 16, 12),
    b"SRTP_AES128_CM_SHA1_80": (Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 16, 14),
}


class Local(msgspec.Struct, frozen=True):
    """What a party tells of itself."""

    ufrag: str
    password: str
    fingerprint: str
    port: int
    audio_ssrc: int
    video_ssrc: int


class Remote(msgspec.Struct, frozen=True):
    """What the server told a party, and the payload types they agreed on."""

    ufrag: str
    password: str
    host: str
    port: int
    opus: int
    vp8: int


class Identity:
    """The certificate that all parties of the load share."""

    def __init__(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, os.urandom(8).hex())])
        now = datetime.datetime.now(datetime.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=2))
            .sign(key, hashes.SHA256())
        )
        self.fingerprint = certificate.fingerprint(hashes.SHA256()).hex(":").upper()
        self.context = SSL.Context(SSL.DTLS_METHOD)
        self.context.set_options(SSL.OP_NO_TICKET)
        self.context.set_verify(SSL.VERIFY_PEER, lambda *_arguments: True)
        self.context.use_certificate(certificate)
        self.context.use_privatekey(key)
        self.context.set_tlsext_use_srtp(b":".join(_PROFILES))


class Party:
    """One end of one connection, at one port of the load."""

    def __init__(
        self, identity: Identity, port: int, send: Callable[[int, Address, bytes], None]
    ) -> None:
        self.local = Local(
            secrets.token_hex(4),
            secrets.token_hex(16),
            identity.fingerprint,
            port,
            secrets.randbits(31) + 1,
            secrets.randbits(31) + 1,
        )
        self.remote = Remote("", "", "", 0, 0, 0)
        self.profile = ""
        self.outbound, self.inbound = Session(), Session()
        self._send = send
        self._tie_breaker = secrets.randbits(63)
        self._reached = False
        self._ssl = SSL.Connection(identity.context)
        self._ssl.set_ciphertext_mtu(_MTU)
        self._ssl.set_connect_state()

    @property
    def address(self) -> Address:
        """Where the server takes this party's media."""
        return self.remote.host, self.remote.port

    @property
    def connected(self) -> bool:
        """Whether media can be sealed and opened."""
        return bool(self.profile)

    def tick(self) -> None:
        """Go on with connecting; due every 50 ms until `connected`. Raises SSL.Error."""
        if not self._reached:
            self._transmit(self.check())
        elif not self.connected:
            self._ssl.DTLSv1_handle_timeout()
            self._shake()

    def check(self) -> bytes:
        """A check that also nominates the path and, repeated, keeps the server's consent."""
        request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        request.attributes["USERNAME"] = f"{self.remote.ufrag}:{self.local.ufrag}"
        request.attributes["PRIORITY"] = _PRIORITY
        request.attributes["ICE-CONTROLLING"] = self._tie_breaker
        request.attributes["USE-CANDIDATE"] = None
        request.add_message_integrity(self.remote.password.encode())
        return bytes(request)

    def receive(self, address: Address, datagram: bytes) -> None:
        """Take one STUN or DTLS datagram. Raises SSL.Error."""
        if datagram[0] < 4:
            self._receive_stun(address, datagram)
        elif not self.connected:
            self._ssl.bio_write(datagram)
            self._shake()

    def _receive_stun(self, address: Address, datagram: bytes) -> None:
        try:
            message = stun.parse_message(datagram)
        except (ValueError, struct.error):
            return
        if message.message_method != stun.Method.BINDING:
            return
        if message.message_class == stun.Class.RESPONSE:
            self._reached = True
        elif message.message_class == stun.Class.REQUEST:
            response = stun.Message(
                stun.Method.BINDING, stun.Class.RESPONSE, transaction_id=message.transaction_id
            )
            response.attributes["XOR-MAPPED-ADDRESS"] = address
            response.add_message_integrity(self.local.password.encode())
            self._send(self.local.port, address, bytes(response))

    def _transmit(self, datagram: bytes) -> None:
        self._send(self.local.port, self.address, datagram)

    def _shake(self) -> None:
        done = True
        try:
            self._ssl.do_handshake()
        except SSL.WantReadError:
            done = False
        self._flush()
        if done:
            self._take_keys()

    def _flush(self) -> None:
        """Send what the memory BIO holds, a DTLS record a datagram (RFC 6347 section 4.1)."""
        try:
            pending = self._ssl.bio_read(1 << 16)
        except SSL.WantReadError:
            return
        while pending:
            length = 13 + int.from_bytes(pending[11:13], "big")
            self._transmit(pending[:length])
            pending = pending[length:]

    def _take_keys(self) -> None:
        """RFC 5764 section 4.2: client key, server key, client salt, server salt."""
        name = self._ssl.get_selected_srtp_profile()
        number, key, salt = _PROFILES[name]
        material = self._ssl.export_keying_material(b"EXTRACTOR-dtls_srtp", 2 * (key + salt))
        client = material[:key] + material[2 * key : 2 * key + salt]
        server = material[key : 2 * key] + material[2 * key + salt :]
        outbound = Policy(client, ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=number)
        inbound = Policy(server, ssrc_type=Policy.SSRC_ANY_INBOUND, srtp_profile=number)
        inbound.window_size = 1024
        self.outbound, self.inbound = Session(outbound), Session(inbound)
        self.profile = name.decode()
