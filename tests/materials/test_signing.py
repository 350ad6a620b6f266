"""Signing: for exactly what was shown, by hand and by the city, one after the other."""

from datetime import timedelta
from io import BytesIO
from pathlib import Path

import msgspec
import numpy as np
import pytest
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import MDPPerm

from media.materials import statement
from media.materials.papers import Papers
from media.materials.seals import Seal, Seals
from media.materials.signing import NotSignable, OtherDocument, Signing
from media.materials.statement import sha256
from media.materials.strokes import Handwriting, NotASignature
from tests.materials import made
from tests.materials.signed import act, check, problems


def test_a_signed_letter_is_good_and_says_who_signed_it(signed: bytes, seal: Seal) -> None:
    resident, city = check(signed, seal)
    assert (resident.field, city.field) == ("resident", "city")
    assert resident.problems == city.problems == ()
    assert (resident.signed_further, city.signed_further) == (True, False)
    assert resident.certificate == city.certificate == "上海市松江区远程虚拟窗口"
    assert resident.statement is not None
    assert resident.statement.circumstances == made.CIRCUMSTANCES
    assert resident.statement.signed_at == made.AT
    assert resident.statement.ink == made.scrawl()
    assert city.statement is not None
    assert city.statement.ink is None


def test_a_standard_reader_takes_both_signatures_for_valid(signed: bytes, tmp_path: Path) -> None:
    file = tmp_path / "signed.pdf"
    file.write_bytes(signed)
    said = made.told("pdfsig", str(file))
    assert said.count("Signature Validation: Signature is Valid.") == 2
    assert said.count("Signature Type: ETSI.CAdES.detached") == 2
    assert said.count("Signing Hash Algorithm: SHA-256") == 2
    assert "Total document signed" in said.split("Signature #2")[1]


def test_what_was_shown_lies_in_the_signed_file_byte_for_byte(
    letter: bytes, by_hand: bytes, signed: bytes, seal: Seal
) -> None:
    assert signed.startswith(by_hand)
    assert by_hand.startswith(letter)
    for signature, shown in zip(check(signed, seal), (letter, by_hand), strict=True):
        assert signature.statement is not None
        assert signature.statement.document_bytes == len(shown)
        assert signature.statement.document_sha256 == sha256(shown)
        assert signature.statement.document_sm3 == statement.sm3(shown)


def test_a_statement_is_about_its_document_alone(letter: bytes, by_hand: bytes, seal: Seal) -> None:
    said = check(by_hand, seal)[0].statement
    assert said is not None
    assert said.is_about(letter)
    assert said.is_about(by_hand)
    assert not said.is_about(letter[:-1])
    assert not said.is_about(b"%" + letter)
    for other in (
        msgspec.structs.replace(said, document_sm3=statement.sm3(b"")),
        msgspec.structs.replace(said, document_sha256=sha256(b"")),
        msgspec.structs.replace(said, document_bytes=said.document_bytes + 1),
    ):
        assert not other.is_about(by_hand)


def test_the_first_signature_lets_only_further_ones_come(signed: bytes) -> None:
    first, second = PdfFileReader(BytesIO(signed)).embedded_signatures
    assert first.docmdp_level == MDPPerm.FILL_FORMS
    assert second.docmdp_level is None
    assert first.self_reported_timestamp == second.self_reported_timestamp == made.AT
    assert first.sig_object["/Name"] == "张三丰"
    assert first.sig_object["/Location"] == "松江政务服务中心 K-03"


def test_sm3_is_that_of_the_standards_example() -> None:
    """GB/T 32905-2016, A.1."""
    digest = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    assert statement.sm3(b"abc") == digest


def test_a_signature_for_another_document_is_refused(
    signing: Signing, papers: Papers, letter: bytes, seal: Seal
) -> None:
    other = papers.letter(made.letter(resident="李四"))
    with pytest.raises(OtherDocument):
        signing.by_hand(other, act(letter), made.scrawl(), seal)
    with pytest.raises(OtherDocument):
        signing.by_city(letter + b"\n", act(letter), seal)


def test_the_ink_of_the_hand_is_seen_in_the_box(
    letter: bytes, by_hand: bytes, tmp_path: Path
) -> None:
    before, after = (made.rendered(pdf, tmp_path) for pdf in (letter, by_hand))
    changed = np.argwhere(before.astype(int) - after > 100)
    (top, left), (bottom, right) = changed.min(axis=0), changed.max(axis=0)
    field = PdfFileReader(BytesIO(by_hand)).embedded_signatures[0].sig_field
    x1, y1, x2, y2 = (2 * float(edge) for edge in field["/Rect"])
    height = after.shape[0]
    assert x1 <= left < right <= x2
    assert height - y2 <= top < bottom <= height - y1
    assert bottom - top > 0.7 * (y2 - y1)
    text = made.words(by_hand, tmp_path)
    assert "2026-11-2514:30:00北京时间" in text
    assert sha256(letter)[:16] in text


def test_what_is_written_by_no_hand_is_not_signed_with(
    signing: Signing, letter: bytes, seal: Seal
) -> None:
    with pytest.raises(NotASignature):
        signing.by_hand(letter, act(letter), Handwriting(560, 220, ()), seal)


def test_a_box_is_signed_once(signing: Signing, by_hand: bytes, seal: Seal) -> None:
    with pytest.raises(NotSignable, match=r"^resident: "):
        signing.by_hand(by_hand, act(by_hand), made.scrawl(), seal)


def test_what_has_no_box_or_is_no_pdf_cannot_be_signed(
    signing: Signing, papers: Papers, seal: Seal
) -> None:
    for document in (papers.ticket(made.ticket(), "roll"), b"", b"%PDF-1.7\nnothing"):
        with pytest.raises(NotSignable):
            signing.by_city(document, act(document), seal)


def test_a_citys_own_certificate_may_be_of_an_elliptic_curve(
    signing: Signing, letter: bytes, tmp_path: Path
) -> None:
    made.given_seal(tmp_path, "330400", made.AT + timedelta(days=100))
    seal = Seals(tmp_path / "own", tmp_path, made.PASSPHRASE).of("330400", "嘉兴市", made.AT)
    signed = signing.by_city(letter, act(letter), seal)
    assert problems(signed, seal) == set()
    assert check(signed, seal)[0].certificate == "嘉兴市政务服务"
    file = tmp_path / "signed.pdf"
    file.write_bytes(signed)
    assert "Signature is Valid" in made.told("pdfsig", str(file))
