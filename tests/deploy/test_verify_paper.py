"""`virtual-window verify-paper`: who signed, in words."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from deploy import cli
from media.materials.papers import Papers
from media.materials.seals import Seals
from media.materials.signing import Signing
from media.materials.typesetting import Typesetter
from tests.materials import made
from tests.materials.signed import act


def test_the_command_tells_in_words_who_signed(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    typesetter = Typesetter()
    signing, letter = Signing(typesetter), Papers(typesetter).letter(made.letter())
    seal = Seals(tmp_path / "seals").of("310117", "上海市松江区", datetime.now(UTC))
    by_hand = signing.by_hand(letter, act(letter), made.scrawl(), seal)
    signed = signing.by_city(by_hand, act(by_hand), seal)
    (tmp_path / "root.pem").write_bytes(seal.root.public_bytes(serialization.Encoding.PEM))
    (tmp_path / "signed.pdf").write_bytes(signed)
    at = letter.index(b"stream\n") + 40
    (tmp_path / "altered.pdf").write_bytes(signed[:at] + b"?" + signed[at + 1 :])
    (tmp_path / "letter.pdf").write_bytes(letter)
    (tmp_path / "page.html").write_bytes(b"<p>")
    command = ["verify-paper", "--trust", str(tmp_path / "root.pem")]

    assert cli.main([*command, str(tmp_path / "signed.pdf")]) == 0
    said = capsys.readouterr().out
    for words in (
        "GOOD",
        "1. 张三丰, by hand: 3 strokes, 120 points",
        "at 2026-11-25 14:30:00 (UTC+8, the server's clock)",
        "in 松江政务服务中心, kiosk K-03, clerk 王敏 (songjiang1)",
        "signed further after this; nothing else was changed",
        "2. 上海市松江区远程虚拟窗口 (310117), as the competent office",
        "nothing came after this",
    ):
        assert words in said

    others = ("altered.pdf", "letter.pdf", "page.html")
    assert cli.main([*command, *(str(tmp_path / name) for name in others)]) == 1
    said = capsys.readouterr().out
    for words in ("NOT GOOD", "WHAT WAS SIGNED HAS BEEN CHANGED", "NOT SIGNED", "UNREADABLE"):
        assert words in said

    assert cli.main(["verify-paper", str(tmp_path / "signed.pdf")]) == 1
    assert "THE CERTIFICATE IS NOT TRUSTED" in capsys.readouterr().out
