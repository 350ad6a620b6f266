"""What do we and a licence store say to each other? The bodies of its contract.

docs/licence-store.md says the same in words, for whoever builds a store. How a message is signed
is in `message_signatures.py`, how it is sent in `licences.py`.
"""

from datetime import date, datetime
from typing import Annotated, Literal

import msgspec

MAX_LICENCES = 100
JSON, PROBLEM = "application/json", "application/problem+json"
SEARCH, FETCH = "/v1/licences/search", "/v1/licences/fetch"
PROBLEM_TYPES = "urn:virtual-window:licence-store:"

Line = Annotated[str, msgspec.Meta(max_length=200)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Kind = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_]{1,64}$")]
LicenceId = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._:-]{1,128}$")]
MediaType = Literal["application/pdf", "image/jpeg", "image/png"]
Status = Literal["valid", "expired", "suspended", "revoked"]


class Holder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose licences; the number is that of the ID card (GB 11643)."""

    id_number: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{17}[0-9X]$")]
    name: Name

    def __repr__(self) -> str:
        return "Holder(…)"


class Consent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the holder agreed to: where that is written down, when, and to which notice."""

    reference: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    given_at: Annotated[datetime, msgspec.Meta(tz=True)]
    notice_version: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class Purpose(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the licence is wanted for: a visit, its matter, and its city (GB/T 2260)."""

    visit: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    matter: Annotated[str, msgspec.Meta(min_length=1, max_length=16)]
    city: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{6}$")]


class Search(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a search. `request` is the same when it is asked again."""

    request: Annotated[str, msgspec.Meta(min_length=16, max_length=64)]
    holder: Holder
    kind: Kind
    purpose: Purpose
    consent: Consent


class Fetch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a fetch; `formats` are what is taken, best first."""

    request: Annotated[str, msgspec.Meta(min_length=16, max_length=64)]
    holder: Holder
    licence: LicenceId
    formats: Annotated[list[MediaType], msgspec.Meta(min_length=1, max_length=3)]
    purpose: Purpose
    consent: Consent


class Licence(msgspec.Struct, frozen=True):
    """One licence as the store lists it. Without `valid_until` it does not run out."""

    id: LicenceId
    kind: Kind
    title: Line
    number: Line
    issuer: Line
    issued_on: date
    status: Status
    valid_from: date | None = None
    valid_until: date | None = None

    def is_valid_on(self, day: date) -> bool:
        """Whether it holds on this day, by what the store says and by its own dates."""
        begun = self.valid_from is None or self.valid_from <= day
        return self.status == "valid" and begun and not self.has_run_out(day)

    def has_run_out(self, day: date) -> bool:
        """Whether its last day is before this one."""
        return self.valid_until is not None and self.valid_until < day


class Found(msgspec.Struct, frozen=True):
    """The answer to a search."""

    licences: Annotated[list[Licence], msgspec.Meta(max_length=MAX_LICENCES)]


class SignatureFacts(msgspec.Struct, frozen=True):
    """What the store found out about the signature or seal in the licence's file."""

    state: Literal["valid", "invalid", "unsigned", "unchecked"]
    signer: Line = ""
    algorithm: Line = ""
    signed_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class Copy(msgspec.Struct, frozen=True):
    """A licence with its file, as it was when it was fetched; `sha256` is of `content`, hex."""

    licence: Licence
    media_type: MediaType
    content: bytes
    sha256: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
    signature: SignatureFacts

    def __repr__(self) -> str:
        return f"Copy({self.media_type}, {len(self.content)} bytes)"


class Problem(msgspec.Struct, frozen=True):
    """An error (RFC 9457). `type` ends in one of the names in docs/licence-store.md."""

    type: Line = "about:blank"
    title: Line = ""
    status: int = 0
    detail: Annotated[str, msgspec.Meta(max_length=1000)] = ""
