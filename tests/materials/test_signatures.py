"""The check of signed papers: whatever is not as it was signed is told, and nothing else."""

import contextlib
import re
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyhanko.pdf_utils.generic import DictionaryObject, TextStringObject, pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.signers.pdf_cms import CAdESSignedAttributeProviderSpec, PdfCMSSignedAttributes
from pyhanko.sign.signers.pdf_signer import PdfSignatureMetadata, PdfSigner

from media.materials import signatures
from media.materials.appearance import Appearance
from media.materials.papers import Papers
from media.materials.seals import SEAL_LASTS, Seal, Seals
from media.materials.signatures import Unreadable
from media.materials.signing import Signing
from media.materials.statement import Statement, WithStatement
from media.materials.strokes import Handwriting
from media.materials.typesetting import Typesetter
from tests.materials import made
from tests.materials.signed import act, check, problems


def test_an_unsigned_paper_has_no_signature(letter: bytes, seal: Seal) -> None:
    assert check(letter, seal) == ()


@settings(max_examples=25, deadline=None)
@given(share=st.floats(0, 1, exclude_max=True), change=st.integers(1, 255))
def test_any_changed_byte_of_what_was_signed_is_told(
    by_hand: bytes, seal: Seal, share: float, change: int
) -> None:
    ranges = re.search(rb"/ByteRange ?\[ ?(\d+) (\d+) (\d+) (\d+)", by_hand)
    assert ranges is not None
    start, length, second, rest = map(int, ranges.groups())
    covered = int(share * (length + rest))
    at = start + covered if covered < length else second + covered - length
    altered = bytearray(by_hand)
    altered[at] ^= change
    with contextlib.suppress(Unreadable):
        assert problems(bytes(altered), seal)


def test_a_standard_reader_tells_a_changed_byte(
    signed: bytes, letter: bytes, seal: Seal, tmp_path: Path
) -> None:
    at = letter.index(b"stream\n") + 40
    altered = signed[:at] + bytes([signed[at] ^ 1]) + signed[at + 1 :]
    file = tmp_path / "altered.pdf"
    file.write_bytes(altered)
    assert made.told("pdfsig", str(file)).count("Digest Mismatch") == 2
    assert problems(altered, seal) == {"changed", "other_document"}


def test_what_is_added_after_signing_is_told(signed: bytes, by_hand: bytes, seal: Seal) -> None:
    for document in (signed, by_hand):
        writer = IncrementalPdfFileWriter(BytesIO(document))
        page = writer.root["/Pages"]["/Kids"][0]
        note = DictionaryObject(
            {
                pdf_name("/Type"): pdf_name("/Annot"),
                pdf_name("/Subtype"): pdf_name("/FreeText"),
                pdf_name("/Contents"): TextStringObject("另有约定"),
            }
        )
        page["/Annots"].append(writer.add_object(note))
        writer.update_container(page["/Annots"])
        altered = BytesIO()
        writer.write(altered)
        assert "altered_after" in problems(altered.getvalue(), seal)


def test_a_certificate_that_nobody_trusts_is_told(
    signing: Signing, letter: bytes, seal: Seal, tmp_path: Path
) -> None:
    foreign = Seals(tmp_path).of("310117", "上海市松江区", made.AT)
    forged = signing.by_hand(letter, act(letter), made.scrawl(), foreign)
    assert problems(forged, seal) == {"foreign_certificate"}
    assert problems(forged, foreign) == set()


def lying(document: bytes, seal: Seal, said: Statement | None, appearance: Appearance) -> bytes:
    """A signature of the true seal, with a statement of the test's own, or none."""
    signer = seal.signer()
    plain = CAdESSignedAttributeProviderSpec(
        PdfCMSSignedAttributes(), signer.signing_cert, is_pades=True, timestamper=None
    )
    signer.signed_attr_prov_spec = plain if said is None else WithStatement(plain, said)
    return bytes(
        PdfSigner(
            PdfSignatureMetadata(field_name="resident", md_algorithm="sha256"),
            signer,
            stamp_style=appearance,
        )
        .sign_pdf(IncrementalPdfFileWriter(BytesIO(document)), existing_fields_only=True)
        .getvalue()
    )


def stamp(typesetter: Typesetter, handwriting: Handwriting) -> Appearance:
    words = {"width": 215, "height": 79, "by_hand": True, "name": "张三丰", "at": "", "place": ""}
    page = typesetter.set("stamp", {**words, "digest": ""}, made.AT)
    return Appearance(words=page.pdf, handwriting=handwriting, border_width=0)


def test_a_signature_taken_from_another_document_is_told(
    papers: Papers, typesetter: Typesetter, by_hand: bytes, seal: Seal
) -> None:
    said = check(by_hand, seal)[0].statement
    assert said is not None
    other = papers.letter(made.letter(resident="李四"))
    swapped = lying(other, seal, said, stamp(typesetter, made.scrawl()))
    assert problems(swapped, seal) == {"other_document"}


def test_ink_that_is_not_that_of_the_strokes_is_told(
    typesetter: Typesetter, letter: bytes, by_hand: bytes, seal: Seal
) -> None:
    said = check(by_hand, seal)[0].statement
    assert said is not None
    same = lying(letter, seal, said, stamp(typesetter, made.scrawl()))
    other = lying(letter, seal, said, stamp(typesetter, made.scrawl(pressure=0.9)))
    none = lying(letter, seal, said, Appearance(words=stamp(typesetter, made.scrawl()).words))
    assert problems(same, seal) == set()
    assert problems(other, seal) == problems(none, seal) == {"ink_differs"}


def test_a_signature_that_states_nothing_about_its_field_is_told(
    typesetter: Typesetter, letter: bytes, by_hand: bytes, seal: Seal
) -> None:
    said = check(by_hand, seal)[0].statement
    assert said is not None
    as_city = msgspec.structs.replace(said, field="city")
    for stated in (as_city, None):
        forged = lying(letter, seal, stated, stamp(typesetter, made.scrawl()))
        assert problems(forged, seal) == {"no_statement"}


@given(st.one_of(st.binary(max_size=200), st.binary(max_size=200).map(lambda b: b"%PDF-1.7\n" + b)))
def test_bytes_that_are_no_pdf_are_unreadable(content: bytes) -> None:
    with pytest.raises(Unreadable):
        signatures.check(content, [], made.AT)


def test_without_a_time_stamp_nobody_can_tell_after_the_certificate_has_ended(
    signed: bytes, seal: Seal
) -> None:
    late = made.AT + SEAL_LASTS + timedelta(days=1)
    found = signatures.check(signed, [seal.root], late)
    assert [signature.problems for signature in found] == [("expired",), ("expired",)]
