"""Who has signed this file, and is it still what they signed? The reading side of `signing.py`.

Reads bytes from anywhere. A signature is good when nothing of the file was changed (but for
further signatures), its certificate leads to one that is trusted, and what it states is so: the
document that was shown lies in the file, and the ink on the paper is that of the strokes.
"""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from datetime import datetime
from io import BytesIO
from typing import Literal

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.ades.report import AdESIndeterminate
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.general import SigningError
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.status import (
    PdfSignatureStatus,
    SignatureCoverageLevel,
    TimestampSignatureStatus,
)
from pyhanko_certvalidator import ValidationContext

from media.materials import appearance, statement
from media.materials.seals import as_asn1, common_name
from media.materials.statement import Statement

# It logs each finding with a traceback; here they are problems that are told.
logging.getLogger("pyhanko").setLevel(logging.ERROR)

Problem = Literal[
    "changed",
    "altered_after",
    "foreign_certificate",
    "expired",
    "time_stamp",
    "no_statement",
    "other_document",
    "ink_differs",
]


class Unreadable(ValueError):  # noqa: N818
    """The file is not a PDF whose signatures can be read."""


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    """One signature of a file, good when it has no `problems`.

    `certificate` and `issuer` are common names, `fingerprint` the certificate's SHA-256.
    `time_stamped_at` is the word of a time-stamping authority. `signed_further`: other signatures
    came after this one.
    """

    field: str
    statement: Statement | None
    certificate: str
    issuer: str
    fingerprint: str
    time_stamped_at: datetime | None
    signed_further: bool
    problems: tuple[Problem, ...]


def check(
    pdf: bytes,
    roots: Sequence[x509.Certificate],
    now: datetime,
    time_roots: Sequence[x509.Certificate] = (),
) -> tuple[Signature, ...]:
    """All signatures of the file in the order they were made; none: the file is not signed.

    `roots` are the certificates that are trusted, `time_roots` those of time stamps. Blocks; call
    it in a thread. Raises Unreadable.
    """
    try:
        return asyncio.run(_checked(pdf, roots, now, time_roots))
    except (
        PdfError,
        SigningError,
        SignatureValidationError,
        ValueError,
        KeyError,
        IndexError,
        TypeError,
        AttributeError,
        AssertionError,
        NotImplementedError,
        RecursionError,
    ) as error:
        # Foreign bytes: the parsers below raise whatever they stumble over.
        raise Unreadable(f"the file cannot be read: {error}") from error


async def _checked(
    pdf: bytes,
    roots: Sequence[x509.Certificate],
    now: datetime,
    time_roots: Sequence[x509.Certificate],
) -> tuple[Signature, ...]:
    reader = PdfFileReader(BytesIO(pdf))
    return tuple(
        [
            await _one(pdf, signature, roots, now, time_roots)
            for signature in reader.embedded_regular_signatures
        ]
    )


async def _one(
    pdf: bytes,
    signature: EmbeddedPdfSignature,
    roots: Sequence[x509.Certificate],
    now: datetime,
    time_roots: Sequence[x509.Certificate],
) -> Signature:
    status = await _status(signature, roots, now, time_roots, now)
    stamped = status.timestamp_validity
    if _is_expired(status) and stamped is not None and _holds(stamped):
        status = await _status(signature, roots, stamped.timestamp, time_roots, now)
    certificate = x509.load_der_x509_certificate(signature.signer_cert.dump())
    said = statement.read(signature.signer_info)
    return Signature(
        field=signature.field_name or "",
        statement=said,
        certificate=common_name(certificate),
        issuer=_issuer(certificate),
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
        time_stamped_at=stamped.timestamp if stamped is not None else None,
        signed_further=status.coverage != SignatureCoverageLevel.ENTIRE_FILE,
        problems=(*_of_the_signature(status), *_of_the_statement(pdf, signature, said)),
    )


async def _status(
    signature: EmbeddedPdfSignature,
    roots: Sequence[x509.Certificate],
    at: datetime,
    time_roots: Sequence[x509.Certificate],
    now: datetime,
) -> PdfSignatureStatus:
    return await async_validate_pdf_signature(
        signature,
        ValidationContext(trust_roots=[as_asn1(root) for root in roots], moment=at),
        ValidationContext(trust_roots=[as_asn1(root) for root in time_roots], moment=now),
    )


def _of_the_signature(status: PdfSignatureStatus) -> Iterator[Problem]:
    if not (status.intact and status.valid):
        # Whose certificate it is says nothing about what its holder has not signed.
        yield "changed"
        return
    if (
        status.modification_level is None
        or status.modification_level > ModificationLevel.FORM_FILLING
    ):
        yield "altered_after"
    if _is_expired(status):
        yield "expired"
    elif not status.trusted:
        yield "foreign_certificate"
    if status.timestamp_validity is not None and not _holds(status.timestamp_validity):
        yield "time_stamp"


def _of_the_statement(
    pdf: bytes, signature: EmbeddedPdfSignature, said: Statement | None
) -> Iterator[Problem]:
    if said is None or said.field != signature.field_name:
        yield "no_statement"
        return
    if not said.is_about(pdf):
        yield "other_document"
    if said.ink is not None and not appearance.shows(signature.sig_field, said.ink):
        yield "ink_differs"


def _holds(stamp: TimestampSignatureStatus) -> bool:
    return stamp.intact and stamp.valid and stamp.trusted


def _is_expired(status: PdfSignatureStatus) -> bool:
    return status.trust_problem_indic in (
        AdESIndeterminate.OUT_OF_BOUNDS_NO_POE,
        AdESIndeterminate.OUT_OF_BOUNDS_NOT_REVOKED,
    )


def _issuer(certificate: x509.Certificate) -> str:
    names = certificate.issuer.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(names[0].value) if names else certificate.issuer.rfc4514_string()
