"""Who signed this paper, when and where, was it changed after? Told in words, offline."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from cryptography import x509

from deploy.settings import BadSetting, Settings
from media.materials import signatures
from media.materials.papers import LOCAL
from media.materials.seals import BadSeal, Seals
from media.materials.signatures import Problem, Signature, Unreadable

_WORDS: dict[Problem, str] = {
    "changed": "WHAT WAS SIGNED HAS BEEN CHANGED",
    "altered_after": "THE FILE WAS ALTERED AFTER this signature, not only signed further",
    "foreign_certificate": "THE CERTIFICATE IS NOT TRUSTED: it does not lead to one that you trust",
    "expired": "the certificate has ended, and no trusted time stamp tells that it signed before",
    "time_stamp": "THE TIME STAMP IS NOT TRUSTED, or is not of this signature",
    "no_statement": "it does not state what was signed by whom: not made by this service",
    "other_document": "IT WAS MADE FOR ANOTHER DOCUMENT than the one in this file",
    "ink_differs": "THE INK ON THE PAPER IS NOT that of the strokes that were recorded",
}


class Report(msgspec.Struct):
    """What the check found; `good` when the file is signed and every signature is good."""

    file: str
    good: bool
    signatures: tuple[Signature, ...]
    unreadable: str = ""


def trusted(settings: Settings, files: Sequence[Path]) -> tuple[x509.Certificate, ...]:
    """The certificates in the files, else those of this service. Raises BadSetting, OSError."""
    try:
        if files:
            return tuple(
                certificate
                for path in files
                for certificate in x509.load_pem_x509_certificates(path.read_bytes())
            )
        seals = Seals(settings.own_seals, settings.given_seals, settings.seals_passphrase)
        return seals.roots(datetime.now(UTC))
    except BadSeal as error:
        raise BadSetting(f"VW_SEALS: {error}") from error
    except ValueError as error:
        raise BadSetting("--trust: this is not a certificate in PEM") from error


def verify(path: Path, roots: Sequence[x509.Certificate]) -> Report:
    """Check one file. Raises OSError."""
    try:
        found = signatures.check(path.read_bytes(), roots, datetime.now(UTC), roots)
    except Unreadable as error:
        return Report(str(path), good=False, signatures=(), unreadable=str(error))
    return Report(str(path), bool(found) and not any(s.problems for s in found), found)


def words(report: Report) -> Iterator[str]:
    """The report, line by line."""
    if report.unreadable:
        yield f"UNREADABLE  {report.file}: {report.unreadable}"
        return
    if not report.signatures:
        yield f"NOT SIGNED  {report.file}"
        return
    yield f"{'GOOD' if report.good else 'NOT GOOD'}  {report.file}"
    for number, signature in enumerate(report.signatures, 1):
        yield f"  {number}. {_who(signature)}"
        yield from (f"     {line}" for line in _details(signature))


def _who(signature: Signature) -> str:
    said = signature.statement
    if said is None:
        return f"field {signature.field}"
    if said.ink is None:
        return f"{signature.certificate} ({said.circumstances.city}), as the competent office"
    points = sum(map(len, said.ink.strokes))
    return (
        f"{said.circumstances.resident}, by hand: {len(said.ink.strokes)} strokes, {points} points"
    )


def _details(signature: Signature) -> Iterator[str]:
    said = signature.statement
    if said is not None:
        where = said.circumstances
        yield f"at {said.signed_at.astimezone(LOCAL):%Y-%m-%d %H:%M:%S} (UTC+8, the server's clock)"
        yield f"in {where.site}, kiosk {where.kiosk}, clerk {where.clerk} ({where.clerk_number})"
        yield f"visit {where.visit}, city {where.city}, resident {where.resident}"
        yield f"signed the document with SHA-256 {said.document_sha256}"
        yield f"  SM3 {said.document_sm3}, {said.document_bytes} bytes"
    if signature.time_stamped_at is not None:
        yield f"time stamp: {signature.time_stamped_at.astimezone(LOCAL):%Y-%m-%d %H:%M:%S} (UTC+8)"
    yield f"certificate: {signature.certificate}, issued by {signature.issuer}"
    yield f"  SHA-256 {signature.fingerprint}"
    if signature.signed_further and "altered_after" not in signature.problems:
        yield "signed further after this; nothing else was changed"
    elif not signature.problems:
        yield "nothing came after this"
    yield from (_WORDS[problem] for problem in signature.problems)
