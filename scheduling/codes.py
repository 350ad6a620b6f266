"""Which code proves that somebody holds this ticket? Six characters that only the server can make.

Made of the visit's id and the service's secret (HMAC, RFC 2104), so nothing has to be kept and a
page that reloads shows the same code. An alphabet without look-alikes, for the phone and for print.
"""

import hashlib
import hmac

from scheduling.visit import VisitId

ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 6


class Codes:
    """The codes of this service."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def of(self, visit: VisitId) -> str:
        """The code of one visit."""
        digest = hmac.new(self._secret, b"ticket:" + visit.encode(), hashlib.sha256).digest()
        number = int.from_bytes(digest[:8], "big")
        letters = []
        for _ in range(LENGTH):
            number, letter = divmod(number, len(ALPHABET))
            letters.append(ALPHABET[letter])
        return "".join(letters)

    def proves(self, visit: VisitId, code: str) -> bool:
        """Whether this is the visit's code, as people type codes."""
        typed = "".join(code.upper().split()).replace("-", "")
        return hmac.compare_digest(typed.encode(), self.of(visit).encode())
