"""What does a signature say? Who signed which bytes, when, where, before whom, by which hand.

The statement travels as JSON inside the signature itself, as a signed attribute of the CMS (RFC
5652, 5.3): it cannot be parted from the signature nor changed, every signature of a paper has its
own, and `openssl asn1parse` shows it without any of our software.
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Literal

import msgspec
from asn1crypto import cms, core
from cryptography.hazmat.primitives import hashes
from pyhanko.sign.attributes import CMSAttributeProvider, SignedAttributeProviderSpec

from media.materials.strokes import Handwriting

# An arc that anybody may draw from a UUID (ITU-T X.667): 2.25.<the UUID as a number>.
OID = "2.25.68597727705428672953342953800094139894"

Field = Literal["resident", "city"]


class Circumstances(msgspec.Struct, frozen=True, kw_only=True):
    """Which visit, where, and both parties: the resident as named, the clerk with their number."""

    visit: str
    city: str
    site: str
    kiosk: str
    resident: str
    clerk: str
    clerk_number: str


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """The document is the first `document_bytes` bytes of the signed file: what was shown.

    `signed_at` is the server's clock. `ink` is what the hand wrote; the city has none.
    """

    field: Field
    document_sha256: str
    document_sm3: str
    document_bytes: int
    signed_at: datetime
    circumstances: Circumstances
    ink: Handwriting | None = None
    form: Literal[1] = 1

    def is_about(self, signed: bytes) -> bool:
        """Whether the document that was shown lies at the beginning of this file, unchanged."""
        shown = signed[: self.document_bytes]
        return (
            len(shown) == self.document_bytes
            and sha256(shown) == self.document_sha256
            and sm3(shown) == self.document_sm3
        )


def sha256(document: bytes) -> str:
    """In hex, as a kiosk's page makes it of the bytes it shows."""
    return hashlib.sha256(document).hexdigest()


def sm3(document: bytes) -> str:
    """The same by GB/T 32905 (SM3)."""
    digest = hashes.Hash(hashes.SM3())
    digest.update(document)
    return digest.finalize().hex()


class _Said(CMSAttributeProvider):
    attribute_type = OID

    def __init__(self, statement: Statement) -> None:
        self._said = msgspec.json.encode(statement).decode()

    async def build_attr_value(self, dry_run: bool = False) -> core.UTF8String:
        return core.UTF8String(self._said)


class WithStatement(SignedAttributeProviderSpec):
    """The signed attributes of a signature, and the statement beside them."""

    def __init__(self, others: SignedAttributeProviderSpec, statement: Statement) -> None:
        self._others = others
        self._statement = statement

    def signed_attr_providers(
        self, data_digest: bytes, digest_algorithm: str
    ) -> Iterable[CMSAttributeProvider]:
        """Those of the profile, then ours."""
        yield from self._others.signed_attr_providers(data_digest, digest_algorithm)
        yield _Said(self._statement)


def read(signer: cms.SignerInfo) -> Statement | None:
    """The statement of a signature; None where there is none, or more than one, or not readable."""
    said = [
        attribute["values"]
        for attribute in signer["signed_attrs"]
        if attribute["type"].dotted == OID
    ]
    if len(said) != 1 or len(said[0]) != 1:
        return None
    try:
        text = said[0][0].parse(core.UTF8String).native
        return msgspec.json.decode(text, type=Statement)
    except (ValueError, TypeError, RecursionError, msgspec.MsgspecError):
        return None
