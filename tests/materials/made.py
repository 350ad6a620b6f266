"""Papers, hands and certificates as the tests need them, and what Debian's PDF tools say."""

import math
import subprocess
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12
from numpy.typing import NDArray

from media.materials.papers import (
    AcceptanceNotice,
    CommitmentLetter,
    Language,
    MaterialLine,
    Named,
    Receipt,
    Ticket,
)
from media.materials.statement import Circumstances
from media.materials.strokes import Handwriting, Point

AT = datetime(2026, 11, 25, 6, 30, tzinfo=UTC)
PASSPHRASE = "nur für Siegel"
NUMBER = "310117-20261125-7KQ4MZ2P"
MATTER = Named("户口迁移", "Household registration transfer")
OFFICE = Named("上海市松江区公安局", "Songjiang District Public Security Bureau")
SITE = Named("松江政务服务中心", "Songjiang government service centre")
MATERIALS = (
    MaterialLine(Named("居民身份证", "Resident identity card"), "received"),
    MaterialLine(Named("居民户口簿", "Household register"), "fetched"),
    MaterialLine(Named("迁移事由证明", "Proof of the reason"), "deferred", date(2026, 12, 9)),
)
CIRCUMSTANCES = Circumstances(
    visit="0193a8e2-0000-7000-8000-000000000001",
    city="310117",
    site=SITE.zh,
    kiosk="K-03",
    resident="张三丰",
    clerk="王敏",
    clerk_number="songjiang1",
)


def ticket(language: Language = "zh_CN") -> Ticket:
    return Ticket(
        language=language,
        number="B012",
        code="7KQ4MZ",
        matter=MATTER,
        city=Named("上海市松江区", "Songjiang District of Shanghai"),
        site=SITE,
        kiosk="K-03",
        taken_at=AT,
        ahead=3,
        wait_minutes=(4, 9),
    )


def receipt(language: Language = "zh_CN") -> Receipt:
    return Receipt(
        language=language,
        number=NUMBER,
        check="ABCDEFGHJKMNPQRS",
        matter=MATTER,
        office=OFFICE,
        site=SITE,
        resident="张三丰",
        clerk=Named("王敏", "Wang Min"),
        outcome="accepted_with_deferral",
        served_at=AT,
        materials=MATERIALS,
    )


def _official(language: Language) -> dict[str, Any]:
    return {
        "language": language,
        "number": NUMBER,
        "matter_code": "JZ-02",
        "matter": MATTER,
        "office": OFFICE,
        "site": SITE,
        "kiosk": "K-03",
        "resident": "张三丰",
        "id_number": "310117********1234",
        "clerk": Named("王敏", "Wang Min"),
        "clerk_number": "songjiang1",
    }


def notice(language: Language = "zh_CN", **values: Any) -> AcceptanceNotice:
    usual = {**_official(language), "accepted_at": AT, "materials": MATERIALS}
    return AcceptanceNotice(**{**usual, **values})


def letter(language: Language = "zh_CN", **values: Any) -> CommitmentLetter:
    usual = {**_official(language), "told_at": AT, "materials": MATERIALS[2:]}
    return CommitmentLetter(**{**usual, **values})


def scrawl(pressure: float = 0.6) -> Handwriting:
    """Three waves on a pad of 560 x 220."""
    strokes = []
    for wave in range(3):
        stroke = []
        for step in range(40):
            share = step / 39
            stroke.append(
                Point(
                    round(60 + 150 * wave + 110 * share, 1),
                    round(110 + 60 * math.sin(7 * share + wave), 1),
                    pressure,
                    12 * (60 * wave + step),
                )
            )
        strokes.append(tuple(stroke))
    return Handwriting(560, 220, tuple(strokes))


def given_seal(folder: Path, city: str, ends: datetime) -> ec.EllipticCurvePrivateKey:
    """`CITY.p12` as an authority of the city's choice has issued it; its key."""
    top, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    issuer, subject = (
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        for name in ("一家认证机构", "嘉兴市政务服务")
    )

    def certificate(
        name: x509.Name, public: ec.EllipticCurvePublicKey, *, ca: bool
    ) -> x509.Certificate:
        builder = x509.CertificateBuilder(issuer, name, public, x509.random_serial_number())
        return (
            builder.not_valid_before(AT - timedelta(days=400))
            .not_valid_after(ends)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(
                x509.KeyUsage(not ca, not ca, False, False, False, ca, ca, False, False),
                critical=True,
            )
            .sign(top, hashes.SHA256())
        )

    folder.mkdir(exist_ok=True)
    (folder / f"{city}.p12").write_bytes(
        pkcs12.serialize_key_and_certificates(
            b"seal",
            key,
            certificate(subject, key.public_key(), ca=False),
            [certificate(issuer, top.public_key(), ca=True)],
            BestAvailableEncryption(PASSPHRASE.encode()),
        )
    )
    return key


def told(tool: str, *arguments: str) -> str:
    """What a tool of poppler-utils prints."""
    done = subprocess.run([tool, *arguments], capture_output=True, text=True, check=False)
    return done.stdout


def words(pdf: bytes, folder: Path) -> str:
    """The text as a reader copies it, without the breaks of lines."""
    file = folder / "words.pdf"
    file.write_bytes(pdf)
    return "".join(told("pdftotext", "-raw", str(file), "-").split())


def rendered(pdf: bytes, folder: Path, page: int = 1) -> NDArray[np.uint8]:
    """The page in grey, at 144 pixels an inch: two a point."""
    file = folder / "rendered.pdf"
    file.write_bytes(pdf)
    command = ["pdftoppm", "-r", "144", "-gray", "-f", str(page), "-l", str(page), str(file)]
    pgm = subprocess.run(command, capture_output=True, check=True).stdout
    _, size, _, pixels = pgm.split(b"\n", 3)
    width, height = map(int, size.split())
    return np.frombuffer(pixels, np.uint8).reshape(height, width)
