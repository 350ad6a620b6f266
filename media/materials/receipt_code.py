"""What does the code on a receipt say, and is it ours? A public number and a check.

Nothing in it is personal. Both are made of what the record holds and the service's secret (HMAC,
RFC 2104): whoever shows a receipt is asked for the number, the record is looked up, and the check
is made again. The number does not tell the visit's id, and cannot be counted on from another.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

import msgspec

ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # no letters that look alike
NUMBER_LETTERS = 8
CHECK_LETTERS = 16
MARK = "VW1"

OutcomeName = Literal[
    "completed",
    "accepted",
    "accepted_with_deferral",
    "needs_correction",
    "transferred",
    "declined",
    "advice_only",
    "left",
]


@dataclass(frozen=True, slots=True)
class Facts:
    """What the check vouches for: a receipt with another outcome has another check."""

    number: str
    matter_code: str
    outcome: OutcomeName
    served_at: datetime


class NotACode(ValueError):  # noqa: N818
    """The text is not that of a receipt's code."""


def number(secret: bytes, visit: str, city: str, day: date) -> str:
    """The public number of a visit's receipt: `310117-20261125-7KQ4MZ2P`."""
    return f"{city}-{day:%Y%m%d}-{_letters(secret, b'receipt:' + visit.encode(), NUMBER_LETTERS)}"


def check(secret: bytes, facts: Facts) -> str:
    """The check of these facts, 78 bits; only who knows the secret can make it."""
    said = (facts.number, facts.matter_code, facts.outcome, facts.served_at.timestamp())
    return _letters(secret, b"check:" + msgspec.json.encode(said), CHECK_LETTERS)


def proves(secret: bytes, facts: Facts, shown: str) -> bool:
    """Whether this is the check of these facts."""
    return hmac.compare_digest(shown.encode(), check(secret, facts).encode())


def text(number: str, check: str) -> str:
    """What the QR code says; letters of its alphanumeric mode only (ISO/IEC 18004)."""
    return f"{MARK}:{number}:{check}"


def read(scanned: str) -> tuple[str, str]:
    """Number and check of a scanned text. Raises NotACode."""
    mark, _, rest = scanned.strip().partition(":")
    shown_number, separator, shown_check = rest.partition(":")
    if (
        mark != MARK
        or not separator
        or not 0 < len(shown_number) <= 40
        or len(shown_check) != CHECK_LETTERS
        or not set(shown_check) <= set(ALPHABET)
    ):
        raise NotACode("this is not the code of a receipt")
    return shown_number, shown_check


def _letters(secret: bytes, said: bytes, count: int) -> str:
    value = int.from_bytes(hmac.new(secret, said, hashlib.sha256).digest(), "big")
    letters = []
    for _ in range(count):
        value, letter = divmod(value, len(ALPHABET))
        letters.append(ALPHABET[letter])
    return "".join(letters)
