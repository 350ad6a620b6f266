"""What would a licence store hold of somebody? Invented licences, for the demo and for tests.

Made from the holder's number alone, so that they are the same each time; nobody real has them.
Each has a file: one A4 page as a PDF (ISO 32000-1) whose text is searchable. It names a font that
readers with Chinese text bring along (Adobe-GB1, section 9.7.5.2), since it is for show only.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from media.materials.licence_messages import Copy, Holder, Licence, SignatureFacts, Status

_WIDTH, _HEIGHT = 595, 842


@dataclass(frozen=True, slots=True)
class _Sort:
    title: str
    issuer: str
    prefix: str
    years: int = 0  # it holds so long; 0 for ever
    status: Status = "valid"


_SORTS = {
    "id_card": _Sort("中华人民共和国居民身份证", "演示市公安局", "ID", years=20),
    "household_register": _Sort("居民户口簿", "演示市公安局", "HK"),
    "marriage_certificate": _Sort("结婚证", "演示市民政局", "J310117"),
    "real_estate_certificate": _Sort(
        "不动产权证书", "演示市自然资源和规划局", "沪(2021)演不动产权第"
    ),
    "social_security_card": _Sort("社会保障卡", "演示市人力资源和社会保障局", "SB", years=10),
    "residence_permit": _Sort("居住证", "演示市公安局", "JZ", years=1, status="expired"),
    "business_licence": _Sort("营业执照", "演示市市场监督管理局", "91310117", status="revoked"),
}


def kinds() -> list[str]:
    """The kinds of document of which everybody has one."""
    return list(_SORTS)


def of(holder: Holder, kind: str, today: date) -> list[Licence]:
    """The holder's licences of this kind: one, or none of a kind that is not held."""
    sort = _SORTS.get(kind)
    if sort is None:
        return []
    mark = hashlib.sha256(f"{holder.id_number} {kind}".encode()).hexdigest()
    running = sort.status != "expired"
    issued_on = today - timedelta(days=100 if running else 1000)
    ends = issued_on + timedelta(days=365 * sort.years)
    return [
        Licence(
            id=mark[:32],
            kind=kind,
            title=sort.title,
            number=f"{sort.prefix}{int(mark[32:40], 16) % 10**8:08d}",
            issuer=sort.issuer,
            issued_on=issued_on,
            status=sort.status,
            valid_from=issued_on,
            valid_until=ends if sort.years else None,
        )
    ]


def copy(holder: Holder, licence_id: str, today: date) -> Copy | None:
    """One of the holder's licences with its file; None if they have no such licence."""
    for kind in _SORTS:
        for licence in of(holder, kind, today):
            if licence.id == licence_id:
                content = _page(_text(holder, licence))
                facts = SignatureFacts(
                    "unsigned" if licence.kind == "household_register" else "valid",
                    signer=licence.issuer,
                    algorithm="SM2-SM3",
                    signed_at=datetime.combine(licence.issued_on, datetime.min.time(), UTC),
                )
                sha256 = hashlib.sha256(content).hexdigest()
                return Copy(licence, "application/pdf", content, sha256, facts)
    return None


def _text(holder: Holder, licence: Licence) -> list[str]:
    until = licence.valid_until.isoformat() if licence.valid_until else "长期"
    return [
        licence.title,
        f"姓名:{holder.name}",
        f"公民身份号码:{holder.id_number}",
        f"证照编号:{licence.number}",
        f"签发机关:{licence.issuer}",
        f"有效期限:{licence.issued_on.isoformat()} 至 {until}",
        "电子证照样张,仅供演示,无法律效力",
    ]


def _page(lines: Sequence[str]) -> bytes:
    """A PDF of one page with these lines, the first as its title."""
    text = ["BT /F1 26 Tf 34 TL 60 740 Td"]
    for number, line in enumerate(lines):
        text.append(f"<{line.encode('utf-16-be').hex()}> Tj T*")
        if number == 0:
            text.append("/F1 15 Tf 0 -20 Td")
    stream = " ".join([*text, "ET"]).encode()
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 %d %d]/Contents 4 0 R"
        b"/Resources<</Font<</F1 5 0 R>>>>>>" % (_WIDTH, _HEIGHT),
        b"<</Length %d>>stream\n%s\nendstream" % (len(stream), stream),
        b"<</Type/Font/Subtype/Type0/BaseFont/STSong-Light/Encoding/UniGB-UCS2-H"
        b"/DescendantFonts[6 0 R]>>",
        b"<</Type/Font/Subtype/CIDFontType0/BaseFont/STSong-Light/DW 1000/FontDescriptor 7 0 R"
        b"/CIDSystemInfo<</Registry(Adobe)/Ordering(GB1)/Supplement 4>>>>",
        b"<</Type/FontDescriptor/FontName/STSong-Light/Flags 4/FontBBox[-25 -254 1000 880]"
        b"/ItalicAngle 0/Ascent 880/Descent -120/CapHeight 880/StemV 93>>",
    ]
    pdf, places = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"), []
    for number, body in enumerate(objects, 1):
        places.append(len(pdf))
        pdf += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(pdf)
    pdf += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    pdf += b"".join(b"%010d 00000 n \n" % place for place in places)
    pdf += b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1,
        start,
    )
    return bytes(pdf)
