"""Settings: what cannot be right is refused by its name, and each one is documented."""

from dataclasses import fields
from pathlib import Path

import pytest

from deploy.settings import BadSetting, Settings, from_environment

OPERATIONS_MD = Path(__file__).parents[2] / "docs" / "operations.md"


def test_without_any_setting_the_defaults_hold() -> None:
    assert from_environment({"PATH": "/bin", "HOME": "/root"}) == Settings()


def test_every_setting_can_be_set() -> None:
    settings = from_environment(
        {
            "VW_HOST": "0.0.0.0",
            "VW_PORT": "9000",
            "VW_ORIGINS": "https://a.example/, https://b.example",
            "VW_DATA": "/srv/vw",
            "VW_MEDIA_HOST": "::",
            "VW_MEDIA_PORT": "9001",
            "VW_MEDIA_ANNOUNCE": "203.0.113.5",
            "VW_RING_S": "12.5",
        }
    )
    assert settings == Settings(
        host="0.0.0.0",
        port=9000,
        origins="https://a.example/, https://b.example",
        data=Path("/srv/vw"),
        media_host="::",
        media_port=9001,
        media_announce="203.0.113.5",
        ring_s=12.5,
    )
    assert settings.allowed_origins == {"https://a.example", "https://b.example"}
    assert settings.secure


def test_an_unknown_setting_is_refused_by_its_name_and_the_known_ones_are_listed() -> None:
    with pytest.raises(BadSetting, match="VW_PROT") as refused:
        from_environment({"VW_PROT": "80"})
    assert "VW_PORT" in str(refused.value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("VW_PORT", "eighty"),
        ("VW_PORT", ""),
        ("VW_PORT", "80.5"),
        ("VW_PORT", "-1"),
        ("VW_PORT", "70000"),
        ("VW_MEDIA_PORT", "x"),
        ("VW_MEDIA_PORT", "65536"),
        ("VW_RING_S", "soon"),
        ("VW_RING_S", "nan"),
        ("VW_RING_S", "inf"),
        ("VW_RING_S", "0"),
        ("VW_RING_S", "-5"),
    ],
)
def test_a_number_that_cannot_be_right_is_refused_by_its_name(name: str, text: str) -> None:
    with pytest.raises(BadSetting, match=name):
        from_environment({name: text})


def test_cookies_are_for_https_only_when_every_origin_is() -> None:
    assert not Settings().secure
    assert not Settings(origins="https://a.example,http://b.example").secure
    assert Settings(origins="https://a.example").secure


def test_the_token_secret_is_made_once_and_readable_by_the_service_alone(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")
    secret = settings.secret()
    assert len(secret) == 32
    assert settings.secret() == secret
    assert (settings.data / "token.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", [f.name for f in fields(Settings)])
def test_every_setting_is_in_the_operations_manual(name: str) -> None:
    assert f"VW_{name.upper()}" in OPERATIONS_MD.read_text(encoding="utf-8")
