"""Which SRTP seals and opens? libsrtp, through our compiled module or through pylibsrtp.

`compiled` is the module of the hot path, None where it was not built; a session of one cannot be
used by the other, so a transport keeps to what it began with.
"""

from typing import Protocol

from pylibsrtp import Error as SrtpError
from pylibsrtp import Policy
from pylibsrtp import Session as _PlainSession

try:
    from media.node import _hot as compiled
except ImportError:  # no compiler at installation, or no libsrtp
    compiled = None  # type: ignore[assignment]

__all__ = ["Session", "SrtpError", "compiled", "session", "unkeyed"]


class Session(Protocol):
    """One direction of one connection.

    Each method raises SrtpError or ValueError for what is not authentic or cannot be sealed.
    """

    def protect(self, packet: bytes) -> bytes:
        """Seal one RTP packet."""

    def unprotect(self, packet: bytes) -> bytes:
        """Open one SRTP packet."""

    def protect_rtcp(self, packet: bytes) -> bytes:
        """Seal one RTCP compound."""

    def unprotect_rtcp(self, packet: bytes) -> bytes:
        """Open one SRTCP compound."""


def unkeyed() -> Session:
    """A session that refuses everything, for the time before there are keys."""
    made: Session = _PlainSession()
    return made


def session(key: bytes, profile: int, *, inbound: bool, window: int, hot: bool) -> Session:
    """A session with this master key and salt; `profile` is libsrtp's number."""
    if hot and compiled is not None:
        return compiled.Session(key, profile, inbound, window)
    direction = Policy.SSRC_ANY_INBOUND if inbound else Policy.SSRC_ANY_OUTBOUND
    policy = Policy(key=key, ssrc_type=direction, srtp_profile=profile)
    policy.window_size = window
    made: Session = _PlainSession(policy)
    return made
