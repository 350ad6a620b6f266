"""How is a paper signed? By hand on the kiosk, then by the city; each one seals what came before.

A signature is for exactly the bytes that were shown: whoever signs names their SHA-256, and any
other document is refused. It is visible (ink, name, time) and digital: PAdES B-B, or B-T with a
time-stamping authority (ETSI EN 319 142-1), made with the city's certificate, for a resident has
none. The first signature certifies the paper: from then on only further signatures may be added
(DocMDP, ISO 32000-2, 12.8.2.2). What a signature says is in `statement.py`, its reading and
checking in `signatures.py`.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO

from pyhanko.pdf_utils.generic import DictionaryObject
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter, enumerate_sig_fields
from pyhanko.sign.signers.pdf_cms import CAdESSignedAttributeProviderSpec, PdfCMSSignedAttributes
from pyhanko.sign.signers.pdf_signer import PdfSignatureMetadata, PdfSigner
from pyhanko.sign.timestamps import TimeStamper
from pyhanko.sign.timestamps.aiohttp_client import HTTPTimeStamper
from pyhanko.sign.timestamps.common_utils import TimestampRequestError

from media.materials import strokes
from media.materials.appearance import Appearance
from media.materials.papers import LOCAL
from media.materials.seals import Seal
from media.materials.statement import (
    Circumstances,
    Field,
    Statement,
    WithStatement,
    sha256,
    sm3,
)
from media.materials.strokes import Handwriting
from media.materials.typesetting import Typesetter

TIME_STAMP_WAIT_S = 5


class OtherDocument(ValueError):  # noqa: N818
    """What was signed is not this document: it was shown another one, or it changed since."""


class NotSignable(ValueError):  # noqa: N818
    """The document has no such empty box, or is no PDF that can be signed."""


class NoTimeStamp(OSError):  # noqa: N818
    """The time-stamping authority gave no time stamp; the document is unsigned."""


@dataclass(frozen=True, slots=True)
class Act:
    """One signature to be made: for the document of this hash, at this time (the server's)."""

    shown_sha256: str
    circumstances: Circumstances
    at: datetime


class Signing:
    """Signs papers. Blocks for some 100 ms, with a time stamp for seconds; call it in a thread.

    `time_stamp_url` is an authority by RFC 3161; without one the time is the server's word.
    """

    def __init__(self, typesetter: Typesetter, time_stamp_url: str = "") -> None:
        self._typesetter = typesetter
        self._time_stamps: TimeStamper | None = None
        if time_stamp_url:
            self._time_stamps = HTTPTimeStamper(time_stamp_url, timeout=TIME_STAMP_WAIT_S)

    def by_hand(self, document: bytes, act: Act, handwriting: Handwriting, seal: Seal) -> bytes:
        """With the resident's signature.

        Raises OtherDocument, NotSignable, NoTimeStamp, strokes.NotASignature.
        """
        strokes.check(handwriting)
        return self._signed(document, act, seal, "resident", handwriting)

    def by_city(self, document: bytes, act: Act, seal: Seal) -> bytes:
        """With the city's signature. Raises OtherDocument, NotSignable, NoTimeStamp."""
        return self._signed(document, act, seal, "city", None)

    def _signed(
        self, document: bytes, act: Act, seal: Seal, field: Field, hand: Handwriting | None
    ) -> bytes:
        digest = sha256(document)
        if act.shown_sha256.lower() != digest:
            raise OtherDocument("document: it is not the one that was shown and signed")
        statement = Statement(
            field=field,
            document_sha256=digest,
            document_sm3=sm3(document),
            document_bytes=len(document),
            signed_at=act.at,
            circumstances=act.circumstances,
            ink=hand,
        )
        try:
            writer = IncrementalPdfFileWriter(BytesIO(document))
            appearance = self._appearance(writer, statement, seal)
        except PdfError as error:
            raise NotSignable(f"document: {error}") from error
        try:
            return asyncio.run(_written(writer, statement, seal, appearance, self._time_stamps))
        except (TimestampRequestError, ValueError, TypeError) as error:
            if self._time_stamps is None:
                raise
            raise NoTimeStamp("the time-stamping authority gave no time stamp") from error

    def _appearance(
        self, writer: IncrementalPdfFileWriter, statement: Statement, seal: Seal
    ) -> Appearance:
        where = statement.circumstances
        width, height = _size(writer, statement.field)
        words = {
            "width": width,
            "height": height,
            "by_hand": statement.ink is not None,
            "name": _name(statement, seal),
            "at": f"{statement.signed_at.astimezone(LOCAL):%Y-%m-%d %H:%M:%S} 北京时间",
            "place": _place(where),
            "digest": f"{statement.document_sha256[:16]}…",
        }
        page = self._typesetter.set("stamp", words, statement.signed_at)
        return Appearance(words=page.pdf, handwriting=statement.ink, border_width=0)


def _size(writer: IncrementalPdfFileWriter, name: str) -> tuple[float, float]:
    for found, _, reference in enumerate_sig_fields(writer, filled_status=False):
        if found == name:
            field: DictionaryObject = reference.get_object()
            left, bottom, right, top = (float(edge) for edge in field["/Rect"])
            return right - left, top - bottom
    raise NotSignable(f"{name}: there is no such box, or it is signed already")


def _name(statement: Statement, seal: Seal) -> str:
    return seal.name if statement.ink is None else statement.circumstances.resident


def _place(where: Circumstances) -> str:
    return f"{where.site} {where.kiosk}"


async def _written(
    writer: IncrementalPdfFileWriter,
    statement: Statement,
    seal: Seal,
    appearance: Appearance,
    time_stamps: TimeStamper | None,
) -> bytes:
    signer = seal.signer()
    signer.signed_attr_prov_spec = WithStatement(
        CAdESSignedAttributeProviderSpec(
            PdfCMSSignedAttributes(), signer.signing_cert, is_pades=True, timestamper=None
        ),
        statement,
    )
    session = PdfSigner(
        PdfSignatureMetadata(
            field_name=statement.field,
            name=_name(statement, seal),
            location=_place(statement.circumstances),
            reason="受理单位数字签名" if statement.ink is None else "本人手写签名",
            md_algorithm="sha256",
            subfilter=SigSeedSubFilter.PADES,
            certify=not writer.prev.embedded_signatures,
            docmdp_permissions=MDPPerm.FILL_FORMS,
        ),
        signer,
        timestamper=time_stamps,
        stamp_style=appearance,
    ).init_signing_session(writer, existing_fields_only=True)
    session.system_time = statement.signed_at
    prepared = session.prepare_tbs_document(
        None, await session.estimate_signature_container_size(None)
    )
    digest, output = prepared.digest_tbs_document()
    await prepared.perform_signature(digest.document_digest, PdfCMSSignedAttributes())
    output.seek(0)
    return bytes(output.read())
