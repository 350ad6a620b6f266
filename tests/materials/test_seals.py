"""The cities' certificates: made once, kept from others' eyes, or given as PKCS#12."""

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from media.materials import seals
from media.materials.seals import BadSeal, Seals, common_name
from tests.materials.made import AT, PASSPHRASE, given_seal


def test_a_city_without_a_certificate_gets_one_of_the_installations_authority(
    tmp_path: Path,
) -> None:
    made = Seals(tmp_path).of("310117", "上海市松江区", AT)
    assert made.name == "上海市松江区远程虚拟窗口"
    assert "not accredited" in common_name(made.root)
    made.certificate.verify_directly_issued_by(made.root)
    assert Seals(tmp_path).of("310117", "上海市松江区", AT).certificate == made.certificate
    assert Seals(tmp_path).roots(AT) == (made.root,)


def test_keys_are_readable_by_the_service_alone_and_in_no_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    folder = tmp_path / "seals"
    everything = Seals(folder, tmp_path, PASSPHRASE)
    made = everything.of("310117", "上海市松江区", AT)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [path.stat().st_mode & 0o777 for path in folder.iterdir()] == [0o600, 0o600]
    secret = str(made.key.private_numbers())
    for shown in (repr(made), repr(everything), caplog.text):
        assert PASSPHRASE not in shown
        assert "PrivateKey" not in shown
        assert secret not in shown


def test_processes_that_start_at_once_use_one_authority(tmp_path: Path) -> None:
    with ThreadPoolExecutor(3) as threads:
        made = list(threads.map(lambda c: Seals(tmp_path).of(c, "城", AT), ("1", "2", "1")))
    assert len({seal.root for seal in made}) == 1
    assert made[0].certificate == made[2].certificate
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1.pem", "2.pem", "authority.pem"]


def test_a_certificate_is_renewed_before_it_ends(tmp_path: Path) -> None:
    first = Seals(tmp_path).of("310117", "上海市松江区", AT)
    soon = first.certificate.not_valid_after_utc - timedelta(days=29)
    assert Seals(tmp_path).of("310117", "上海市松江区", AT).certificate == first.certificate
    second = Seals(tmp_path).of("310117", "上海市松江区", soon)
    assert second.certificate.not_valid_after_utc > first.certificate.not_valid_after_utc
    assert second.root == first.root


def test_who_only_looks_for_roots_makes_no_authority(tmp_path: Path) -> None:
    assert Seals(tmp_path).roots(AT) == ()
    assert list(tmp_path.iterdir()) == []


def test_a_given_certificate_is_used_and_its_authority_trusted(tmp_path: Path) -> None:
    key = given_seal(tmp_path / "given", "330400", AT + timedelta(days=100))
    everything = Seals(tmp_path / "own", tmp_path / "given", PASSPHRASE)
    seal = everything.of("330400", "嘉兴市", AT)
    assert seal.name == "嘉兴市政务服务"
    assert seal.key.private_numbers() == key.private_numbers()
    assert [common_name(root) for root in everything.roots(AT)] == ["一家认证机构"]
    assert not (tmp_path / "own").exists()


def test_a_given_certificate_that_cannot_be_used_is_refused_by_file(tmp_path: Path) -> None:
    given_seal(tmp_path, "330400", AT + timedelta(days=100))
    given_seal(tmp_path, "310117", AT - timedelta(days=1))
    (tmp_path / "1.p12").write_bytes(b"no certificate")
    for city, passphrase in (("330400", "not this"), ("310117", PASSPHRASE), ("1", PASSPHRASE)):
        with pytest.raises(BadSeal, match=rf"{city}\.p12: ") as refused:
            Seals(tmp_path / "own", tmp_path, passphrase).of(city, "城", AT)
        assert passphrase not in str(refused.value)


def test_a_damaged_file_and_a_name_that_leads_elsewhere_are_refused(tmp_path: Path) -> None:
    (tmp_path / "authority.pem").write_text("no key")
    with pytest.raises(BadSeal, match=r"authority\.pem: "):
        Seals(tmp_path).of("310117", "上海市松江区", AT)
    with pytest.raises(BadSeal, match=r"^city: "):
        Seals(tmp_path).of("../310117", "上海市松江区", AT)
    assert seals.BITS >= 3072
