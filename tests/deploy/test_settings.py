"""Settings: what cannot be right is refused by its name, and each one is documented."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path

import pytest
import sqlalchemy as sa

from deploy.settings import BadSetting, Settings, from_environment, variable

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
            "VW_MEDIA_ANNOUNCE": "203.0.113.5, 2001:db8::5",
            "VW_MEDIA_TCP": "off",
            "VW_MEDIA_NODES": "a=http://10.0.0.7:7088, b=https://media.example",
            "VW_MEDIA_TOKEN": "0123456789abcdef",
            "VW_CONTROL_HOST": "10.0.0.7",
            "VW_CONTROL_PORT": "7089",
            "VW_CODECS": "AV1, VP8",
            "VW_RING_S": "12.5",
            "DATABASE_URL": "postgres://vw:secret@db.example/window",
            "REDIS_URL": "redis://bus.example:6379/0",
            "VW_LICENCE_STORE_URL": "https://licences.example/store",
            "VW_LICENCE_STORE_SECRET": "a secret of more than 32 characters",
        }
    )
    assert settings == Settings(
        host="0.0.0.0",
        port=9000,
        origins="https://a.example/, https://b.example",
        data=Path("/srv/vw"),
        media_host="::",
        media_port=9001,
        media_announce="203.0.113.5, 2001:db8::5",
        media_tcp=False,
        media_nodes="a=http://10.0.0.7:7088, b=https://media.example",
        media_token="0123456789abcdef",
        control_host="10.0.0.7",
        control_port=7089,
        codecs="AV1, VP8",
        ring_s=12.5,
        database_url="postgres://vw:secret@db.example/window",
        redis_url="redis://bus.example:6379/0",
        licence_store_url="https://licences.example/store",
        licence_store_secret="a secret of more than 32 characters",
    )
    assert settings.redis == "redis://bus.example:6379/0"
    assert settings.announced == ("203.0.113.5", "2001:db8::5")
    assert settings.nodes == (("a", "http://10.0.0.7:7088"), ("b", "https://media.example"))
    assert settings.codec_preference == ("AV1", "VP8")
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
        ("VW_CONTROL_PORT", "65536"),
        ("VW_MEDIA_TCP", "perhaps"),
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


@pytest.mark.parametrize("codecs", ["", ",", "VP8,H265", "vp8"])
def test_codecs_that_there_are_not_are_refused_with_those_that_there_are(codecs: str) -> None:
    with pytest.raises(BadSetting, match=r"VW_CODECS.*VP8, VP9, H264, AV1"):
        _ = Settings(codecs=codecs).codec_preference


@pytest.mark.parametrize("hosts", ["", " , "])
def test_without_a_host_to_announce_there_is_no_offer(hosts: str) -> None:
    with pytest.raises(BadSetting, match="VW_MEDIA_ANNOUNCE"):
        _ = Settings(media_announce=hosts).announced


@pytest.mark.parametrize("nodes", ["a", "a=", "a=10.0.0.7:7088", "a=ftp://x", "http://10.0.0.7:1"])
def test_a_media_process_without_name_and_address_is_refused(nodes: str) -> None:
    with pytest.raises(BadSetting, match="VW_MEDIA_NODES"):
        _ = Settings(media_nodes=nodes, media_token="0123456789abcdef").nodes


def test_media_processes_need_a_token_that_cannot_be_guessed() -> None:
    with pytest.raises(BadSetting, match="VW_MEDIA_TOKEN"):
        _ = Settings(media_nodes="a=http://x:1", media_token="short").nodes
    assert Settings().nodes == ()


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg"])
def test_a_database_may_be_named_as_other_programs_name_it(scheme: str) -> None:
    place = Settings(database_url=f"{scheme}://vw:secret@db.example:5433/window").database
    assert isinstance(place, sa.URL)
    assert place.drivername == "postgresql+asyncpg"
    assert (place.host, place.port, place.database) == ("db.example", 5433, "window")
    assert place.password == "secret"


@pytest.mark.parametrize("url", ["window", "mysql://db/window", "postgresql+psycopg2://db/window"])
def test_a_database_of_another_kind_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(BadSetting, match="DATABASE_URL"):
        _ = Settings(database_url=url).database


def test_certificates_come_from_a_folder_and_what_opens_them_is_not_shown(tmp_path: Path) -> None:
    settings = Settings(seals=str(tmp_path), seals_passphrase="open sesame")
    assert settings.given_seals == tmp_path
    assert "sesame" not in repr(settings)
    assert Settings().given_seals is None
    with pytest.raises(BadSetting, match="VW_SEALS"):
        _ = Settings(seals=str(tmp_path / "none")).given_seals


def test_a_time_stamping_authority_has_an_address() -> None:
    assert Settings(time_stamp_url="http://tsa.example/").time_stamps == "http://tsa.example/"
    assert Settings().time_stamps == ""
    with pytest.raises(BadSetting, match="VW_TIME_STAMP_URL"):
        _ = Settings(time_stamp_url="tsa.example").time_stamps


def test_without_urls_there_is_a_file_and_no_meeting_place() -> None:
    assert Settings(data=Path("x")).database == Path("x/virtual-window.sqlite")
    assert Settings().redis is None


def test_several_processes_need_a_database_and_media_processes_of_their_own() -> None:
    bus, token = "redis://bus", "0123456789abcdef"
    with pytest.raises(BadSetting, match=r"REDIS_URL.*DATABASE_URL"):
        _ = Settings(redis_url=bus, media_nodes="a=http://x:1", media_token=token).redis
    with pytest.raises(BadSetting, match="VW_MEDIA_NODES"):
        _ = Settings(redis_url=bus, database_url="postgresql://db/vw").redis
    with pytest.raises(BadSetting, match="REDIS_URL"):
        _ = Settings(redis_url="bus:6379", database_url="postgresql://db/vw").redis


def test_a_licence_store_needs_a_safe_address_and_a_secret_that_is_not_shown() -> None:
    secret = "a secret of more than 32 characters"
    url = "https://licences.example"
    assert Settings().licence_store is None
    settings = Settings(licence_store_url=url, licence_store_secret=secret)
    assert settings.licence_store == (url, secret)
    assert secret not in repr(settings)
    with pytest.raises(BadSetting, match=r"VW_LICENCE_STORE_URL.*https"):
        _ = Settings(
            licence_store_url="http://licences.example", licence_store_secret=secret
        ).licence_store
    with pytest.raises(BadSetting, match="VW_LICENCE_STORE_SECRET"):
        _ = Settings(licence_store_url=url, licence_store_secret="short").licence_store


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


def test_processes_that_start_at_once_make_one_token_secret(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    with ThreadPoolExecutor(8) as threads:
        made = set(threads.map(lambda _: settings.secret(), range(8)))
    assert {len(secret) for secret in made} == {32}
    assert made == {settings.secret()}
    assert [path.name for path in tmp_path.iterdir()] == ["token.key"]


@pytest.mark.parametrize("name", [f.name for f in fields(Settings)])
def test_every_setting_is_in_the_operations_manual(name: str) -> None:
    assert variable(name) in OPERATIONS_MD.read_text(encoding="utf-8")
