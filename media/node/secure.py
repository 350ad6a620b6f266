"""Is this packet really from the party, and how do we seal ours? DTLS-SRTP of one connection.

Uses pyOpenSSL's public API over memory BIOs (RFC 5764) and pylibsrtp. Knows neither sockets nor
calls: bytes in, bytes out through `send`. Keys are released only after the certificate's
fingerprint matched the one that came over authenticated signalling (RFC 8122).
"""

import contextlib
import datetime
import os
from collections.abc import Callable
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from OpenSSL import SSL
from pylibsrtp import Policy

from media.node import srtp
from media.node.srtp import Session, SrtpError

__all__ = ["Certificate", "HandshakeError", "SecureTransport", "SrtpError"]

MAX_DATAGRAM_BYTES = 1200
SRTP_WINDOW = 1024  # packets; a key frame's retransmissions arrive late, libsrtp's default is 128
_CIPHERS = (
    b"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305"
)


@dataclass(frozen=True, slots=True)
class _Profile:
    openssl_name: bytes
    libsrtp: int
    key_bytes: int
    salt_bytes: int


# In order of preference: GCM costs 2.0 µs a packet where HMAC-SHA1 costs 3.3.
_PROFILES = (
    _Profile(b"SRTP_AEAD_AES_128_GCM", Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 16, 12),
    _Profile(b"SRTP_AES128_CM_SHA1_80", Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 16, 14),
)


class HandshakeError(Exception):
    """The DTLS association cannot be used; the connection must be replaced."""


def fingerprint_of(certificate: x509.Certificate) -> str:
    """SHA-256 as SDP writes it: upper-case hex pairs joined by colons (RFC 8122 section 5)."""
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


class Certificate:
    """The node's self-signed ECDSA P-256 certificate; made anew at each start (RFC 8827 6.5)."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, os.urandom(8).hex())])
        now = datetime.datetime.now(datetime.UTC)
        self._certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=365))
            .sign(self._key, hashes.SHA256())
        )
        self.fingerprint = fingerprint_of(self._certificate)

    def context(self) -> SSL.Context:
        """A DTLS context that asks the peer for a certificate of its own."""
        context = SSL.Context(SSL.DTLS_METHOD)
        context.set_options(SSL.OP_NO_TICKET | SSL.OP_NO_RENEGOTIATION)
        # Any certificate passes here: what counts is the fingerprint, checked in `_release`.
        context.set_verify(
            SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_arguments: True
        )
        context.use_certificate(self._certificate)
        context.use_privatekey(self._key)
        context.set_cipher_list(_CIPHERS)
        context.set_tlsext_use_srtp(b":".join(p.openssl_name for p in _PROFILES))
        return context


class SecureTransport:
    """One DTLS association and the SRTP sessions that come of it.

    `send` is called with each datagram to put on the wire. `ready` becomes true when the
    handshake is done **and** the peer's fingerprint matched.
    """

    def __init__(
        self,
        context: SSL.Context,
        send: Callable[[bytes], None],
        *,
        server: bool = True,
        hot: bool = False,
    ) -> None:
        self._send = send
        self._server = server
        self.is_compiled = hot and srtp.compiled is not None
        self._ssl = SSL.Connection(context)
        self._ssl.set_ciphertext_mtu(MAX_DATAGRAM_BYTES)
        if server:
            self._ssl.set_accept_state()
        else:
            self._ssl.set_connect_state()
        self._shaken = self._over = self._closed = False
        self._expected_fingerprint: str | None = None
        self.ready = False
        self.inbound: Session = srtp.unkeyed()
        self.outbound: Session = self.inbound

    def expect(self, fingerprint: str) -> None:
        """Set the peer's SHA-256 fingerprint, from its SDP.

        Raises HandshakeError if a peer with another certificate is already there.
        """
        self._expected_fingerprint = fingerprint.upper()
        self._release()

    @property
    def is_over(self) -> bool:
        """Whether the peer said that it ends the association (close_notify)."""
        return self._over

    def start(self) -> None:
        """Send the first flight (client side only)."""
        self._advance()

    def receive(self, datagram: bytes) -> None:
        """Take one DTLS datagram from the wire. Raises HandshakeError when it ends badly."""
        if self._over:  # nobody would take it out of OpenSSL's buffer again
            return
        self._ssl.bio_write(datagram)
        if self._shaken:
            self._read_alerts()
        else:
            self._advance()

    def retransmit_in_s(self) -> float | None:
        """Seconds until `retransmit` is due; None when the handshake needs no timer."""
        return None if self._shaken or self._closed else self._ssl.DTLSv1_get_timeout()

    def retransmit(self) -> None:
        """Send the last flight again if its timer ran out (RFC 6347 section 4.2.4)."""
        if not self._shaken and not self._closed:
            self._ssl.DTLSv1_handle_timeout()
            self._flush()

    def unprotect(self, packet: bytes) -> bytes:
        """Open one SRTP packet. Raises SrtpError if it is forged or a repetition."""
        return self.inbound.unprotect(packet)

    def unprotect_rtcp(self, packet: bytes) -> bytes:
        """Open one SRTCP packet. Raises SrtpError if it is forged or a repetition."""
        return self.inbound.unprotect_rtcp(packet)

    def protect(self, packet: bytes) -> bytes:
        """Seal one RTP packet. Raises SrtpError for a sequence number far out of order."""
        return self.outbound.protect(packet)

    def protect_rtcp(self, packet: bytes) -> bytes:
        """Seal one RTCP compound packet."""
        return self.outbound.protect_rtcp(packet)

    def close(self) -> None:
        """Tell the peer that the association ends, as far as the wire still carries it.

        The keys and OpenSSL's memory, 50 kB, are given back at once: the objects around them hold
        each other, and wait for the garbage collector.
        """
        if self._closed:
            return
        if self._shaken:
            with contextlib.suppress(SSL.Error):
                self._ssl.shutdown()
                self._flush()
        self.ready, self._over, self._closed = False, True, True
        self.inbound = self.outbound = srtp.unkeyed()
        del self._ssl

    def _advance(self) -> None:
        try:
            self._ssl.do_handshake()
            self._shaken = True
        except SSL.WantReadError:
            pass
        except SSL.Error as error:
            self._flush()
            raise HandshakeError(f"DTLS handshake failed: {error}") from error
        self._flush()
        if self._shaken:
            self._release()

    def _read_alerts(self) -> None:
        """Application data is not ours; reading makes OpenSSL answer repeated flights."""
        try:
            while True:
                self._ssl.recv(MAX_DATAGRAM_BYTES)
        except SSL.WantReadError:
            pass
        except SSL.ZeroReturnError:
            self._over = True
        except SSL.Error as error:
            raise HandshakeError(f"DTLS alert: {error}") from error
        self._flush()

    def _release(self) -> None:
        known = self._expected_fingerprint is not None
        if not self._shaken or not known or self.ready or self._closed:
            return
        certificate = self._ssl.get_peer_certificate(as_cryptography=True)
        if certificate is None or fingerprint_of(certificate) != self._expected_fingerprint:
            raise HandshakeError("the peer's certificate is not the one its SDP announced")
        name = self._ssl.get_selected_srtp_profile()
        profile = next((p for p in _PROFILES if p.openssl_name == name), None)
        if profile is None:
            raise HandshakeError("the peer offers no SRTP profile we accept")
        key, salt = profile.key_bytes, profile.salt_bytes
        material = self._ssl.export_keying_material(b"EXTRACTOR-dtls_srtp", 2 * (key + salt))
        # RFC 5764 section 4.2: client key, server key, client salt, server salt.
        client = material[:key] + material[2 * key : 2 * key + salt]
        server = material[key : 2 * key] + material[2 * key + salt :]
        ours, theirs = (server, client) if self._server else (client, server)
        for inbound, held in ((True, theirs), (False, ours)):
            made = srtp.session(
                held, profile.libsrtp, inbound=inbound, window=SRTP_WINDOW, hot=self.is_compiled
            )
            if inbound:
                self.inbound = made
            else:
                self.outbound = made
        self.ready = True

    def _flush(self) -> None:
        """Send what the memory BIO holds, packed on DTLS record borders.

        A memory BIO knows no datagrams: cut after each record (13-byte header with the length
        in its last two bytes, RFC 6347 section 4.1) and fill up to MAX_DATAGRAM_BYTES.
        """
        try:
            pending = self._ssl.bio_read(1 << 16)
        except SSL.WantReadError:
            return
        start = end = 0
        while end + 13 <= len(pending):
            record = 13 + int.from_bytes(pending[end + 11 : end + 13], "big")
            if end > start and end + record - start > MAX_DATAGRAM_BYTES:
                self._send(pending[start:end])
                start = end
            end += record
        if end > start:
            self._send(pending[start:end])
