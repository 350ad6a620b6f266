"""The papers: Chinese always, English beneath for who reads it, fonts inside, a place to sign."""

import re
from io import BytesIO
from pathlib import Path

import cv2
import pytest
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import enumerate_sig_fields

from media.materials.papers import Language, MaterialLine, Named, NotForPaper, Papers, Stock, masked
from media.materials.typesetting import NoFonts, Typesetter
from tests.materials import made

LANGUAGES: tuple[Language, ...] = ("zh_CN", "en")
OFFICIAL = {
    "ticket": ("B012", "7KQ4MZ", "户口迁移", "上海市松江区", "前面等候", "3人", "4至9分钟"),
    "receipt": ("办事回执", made.NUMBER, "容缺受理", "张**", "王敏", "2026年11月25日14:30"),
    "notice": ("受理通知书", "张三丰", "310117********1234", "现予受理", "户口迁移（JZ-02）"),
    "letter": ("容缺受理告知承诺书", "张三丰", "2026年12月9日前补交", "本人已知晓", "王敏"),
}
TRANSLATED = {
    "ticket": ("Yournumber", "3people", "4to9minutes"),
    "receipt": ("acceptedwithdeferral", "WangMin", "2026-11-2514:30"),
    "notice": ("Noticeofacceptance", "Theapplicationisaccepted", "theChinesetextprevails"),
    "letter": ("Noticeandcommitment", "dueby2026-12-09", "Ihaveunderstood"),
}


def paper(papers: Papers, kind: str, language: Language, stock: Stock = "a4") -> bytes:
    if kind == "ticket":
        return papers.ticket(made.ticket(language), stock)
    if kind == "receipt":
        return papers.receipt(made.receipt(language), stock)
    if kind == "notice":
        return papers.notice(made.notice(language))
    return papers.letter(made.letter(language))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", OFFICIAL)
def test_the_official_text_is_chinese_and_can_be_copied(
    papers: Papers, tmp_path: Path, kind: str, language: Language
) -> None:
    text = made.words(paper(papers, kind, language), tmp_path)
    for words in OFFICIAL[kind]:
        assert words in text


@pytest.mark.parametrize("kind", OFFICIAL)
def test_the_translation_is_for_who_reads_english(
    papers: Papers, tmp_path: Path, kind: str
) -> None:
    translated = made.words(paper(papers, kind, "en"), tmp_path)
    chinese = made.words(paper(papers, kind, "zh_CN"), tmp_path)
    for words in TRANSLATED[kind]:
        assert words in translated
        assert words not in chinese


@pytest.mark.parametrize("kind", OFFICIAL)
def test_every_font_is_embedded_and_holds_only_what_is_used(
    papers: Papers, tmp_path: Path, kind: str
) -> None:
    file = tmp_path / "paper.pdf"
    file.write_bytes(paper(papers, kind, "en"))
    fonts = made.told("pdffonts", str(file)).splitlines()[2:]
    assert fonts
    for font in fonts:
        assert re.search(r"Noto(Sans|Serif)CJKsc.* yes yes yes ", font), font
    assert file.stat().st_size < 120_000


@pytest.mark.parametrize("kind", OFFICIAL)
def test_a_paper_says_that_it_is_pdf_a(papers: Papers, tmp_path: Path, kind: str) -> None:
    file = tmp_path / "paper.pdf"
    file.write_bytes(paper(papers, kind, "zh_CN"))
    said = made.told("pdfinfo", "-meta", str(file))
    assert re.search(r"pdfaid:part\W+2\b", said)
    assert re.search(r"pdfaid:conformance\W+U\b", said)


def test_what_a_person_is_called_is_never_read_as_markup(papers: Papers, tmp_path: Path) -> None:
    odd = '#panic("x")*b*_i_$x$[y]<z>\\n"; #read("kit.typ") 张三'
    pdf = papers.notice(made.notice(resident=odd))
    assert odd.replace(" ", "") in made.words(pdf, tmp_path)


@pytest.mark.parametrize("kind", ["ticket", "receipt"])
def test_a_roll_is_80_mm_wide_and_as_long_as_it_gets(
    papers: Papers, tmp_path: Path, kind: str
) -> None:
    file = tmp_path / "roll.pdf"
    file.write_bytes(paper(papers, kind, "en", "roll"))
    size = re.search(r"Page size: +([\d.]+) x ([\d.]+)", made.told("pdfinfo", str(file)))
    assert size is not None
    width, height = float(size[1]), float(size[2])
    assert width == pytest.approx(80 / 25.4 * 72, abs=0.1)
    assert height > width
    assert "Pages:           1" in made.told("pdfinfo", str(file))


@pytest.mark.parametrize("stock", ["a4", "roll"])
def test_the_code_of_a_receipt_says_number_and_check_alone(
    papers: Papers, tmp_path: Path, stock: Stock
) -> None:
    page = made.rendered(papers.receipt(made.receipt("en"), stock), tmp_path)
    said, _, _ = cv2.QRCodeDetector().detectAndDecode(page.copy())
    assert said == f"VW1:{made.NUMBER}:ABCDEFGHJKMNPQRS"


def test_a_receipt_that_is_left_lying_does_not_tell_the_name(
    papers: Papers, tmp_path: Path
) -> None:
    text = made.words(papers.receipt(made.receipt(), "roll"), tmp_path)
    assert "张三丰" not in text
    assert "三丰" not in text


@pytest.mark.parametrize(
    ("name", "shown"),
    [("张三", "张*"), ("欧阳娜娜", "欧***"), ("Li Wei", "L* W**"), ("", ""), ("王", "王")],
)
def test_a_masked_name_keeps_the_first_letter_of_each_word(name: str, shown: str) -> None:
    assert masked(name) == shown


def test_a_notice_tells_whether_materials_are_deferred(papers: Papers, tmp_path: Path) -> None:
    deferred = made.words(papers.notice(made.notice()), tmp_path)
    complete = made.words(papers.notice(made.notice(materials=made.MATERIALS[:2])), tmp_path)
    assert "按容缺受理办理" in deferred
    assert "按容缺受理办理" not in complete
    assert "申请材料齐全" in complete


@pytest.mark.parametrize("number", ["310117199001011234", "31011719900101123X", "310117900101123"])
def test_a_whole_id_number_is_not_printed(papers: Papers, number: str) -> None:
    with pytest.raises(NotForPaper, match=r"^id_number: ") as refused:
        papers.letter(made.letter(id_number=number))
    assert number not in str(refused.value)


def test_a_commitment_names_the_day_for_each_material(papers: Papers) -> None:
    undated = MaterialLine(Named("迁移事由证明"), "deferred")
    for materials in ((), (undated,)):
        with pytest.raises(NotForPaper, match=r"^materials: "):
            papers.letter(made.letter(materials=materials))


def test_the_same_ticket_gives_the_same_bytes(papers: Papers) -> None:
    assert papers.ticket(made.ticket(), "roll") == papers.ticket(made.ticket(), "roll")


def boxes(pdf: bytes) -> dict[str, tuple[int, list[float]]]:
    reader = PdfFileReader(BytesIO(pdf))
    kids = reader.root["/Pages"]["/Kids"]
    pages = [kids.raw_get(at).reference for at in range(len(kids))]
    found = {}
    for name, _, reference in enumerate_sig_fields(reader, filled_status=False):
        field = reference.get_object()
        page = pages.index(field.raw_get("/P").reference)
        found[name] = (page, [float(edge) for edge in field["/Rect"]])
    return found


@pytest.mark.parametrize("kind", ["notice", "letter"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_field_to_sign_lies_in_each_box_that_is_drawn(
    papers: Papers, tmp_path: Path, kind: str, language: Language
) -> None:
    pdf = paper(papers, kind, language)
    found = boxes(pdf)
    assert set(found) == {"resident", "city"}
    for page, (left, bottom, right, top) in found.values():
        pixels = made.rendered(pdf, tmp_path, page + 1)
        height = pixels.shape[0]
        middle_x, middle_y = round(left + right), height - round(bottom + top)
        for edge in (left, right):
            assert pixels[middle_y, round(2 * edge) - 2 : round(2 * edge) + 3].min() < 180
        for edge in (bottom, top):
            at = height - round(2 * edge)
            assert pixels[at - 2 : at + 3, middle_x].min() < 180
        inside = pixels[height - round(2 * top) + 6 : height - round(2 * bottom) - 6]
        assert inside[:, round(2 * left) + 6 : round(2 * right) - 6].min() == 255


@pytest.mark.parametrize("language", LANGUAGES)
def test_both_signatures_stay_on_one_page_however_many_materials(
    papers: Papers, language: Language
) -> None:
    for count in (4, 7, 10, 30):
        found = boxes(papers.notice(made.notice(language, materials=made.MATERIALS[:1] * count)))
        assert found["resident"][0] == found["city"][0]


def test_without_the_chinese_fonts_it_says_which_package_is_missing(tmp_path: Path) -> None:
    with pytest.raises(NoFonts, match="fonts-noto-cjk"):
        Typesetter(tmp_path)
