"""What can be set? One typed object, read from the environment and handed down.

Every variable is `VW_…`, but for the two that other programs know too: DATABASE_URL, REDIS_URL.
"""

import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from urllib.parse import urlsplit

import sqlalchemy as sa

from media.materials.licences import MIN_SECRET, check_address
from media.node.codecs import CODECS, Codec

MIN_TOKEN = 16


class BadSetting(ValueError):  # noqa: N818
    """A setting cannot be right; the text names it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting with its default: one process, no other server.

    `origins` are the addresses under which browsers may use the service, comma-separated;
    `media_announce` are the hosts that browsers send media to, comma-separated (IPv4, IPv6); with
    `media_tcp` they may also connect by TCP on the same port. `codecs` are those a call may use,
    best first. `media_nodes` are media processes of their own, `name=http://host:port`,
    comma-separated; without one the media node runs in this process. `media_token` (at least 16
    characters) is what server and media processes show each other, and what `/metrics` wants;
    `control_host` and `control_port` are where a media process listens for the server.
    `seals` is a folder with `CITY.p12`, the certificates of cities that have one, all opened by
    `seals_passphrase`; `time_stamp_url` is a time-stamping authority (RFC 3161) for signatures.
    `database_url` is a PostgreSQL database in place of the SQLite file; with `redis_url` as well,
    any number of processes serve it together. `licence_store_url` is the city's store of electronic
    licences, with which the service shares `licence_store_secret` (at least 32 characters).
    """

    host: str = "127.0.0.1"
    port: int = 8080
    origins: str = ""
    data: Path = field(default_factory=lambda: Path("data"))
    media_host: str = "127.0.0.1"
    media_port: int = 8443
    media_announce: str = "127.0.0.1"
    media_tcp: bool = True
    media_nodes: str = ""
    media_token: str = ""
    control_host: str = "127.0.0.1"
    control_port: int = 7088
    codecs: str = "VP8,VP9,H264,AV1"
    ring_s: float = 20.0
    call_back_url: str = ""
    seals: str = ""
    seals_passphrase: str = field(default="", repr=False)
    time_stamp_url: str = ""
    licence_store_url: str = ""
    licence_store_secret: str = field(default="", repr=False)
    database_url: str = ""
    redis_url: str = ""

    @property
    def allowed_origins(self) -> frozenset[str]:
        """The exact origins a browser may come from."""
        if self.origins:
            return frozenset(o.strip().rstrip("/") for o in self.origins.split(","))
        return frozenset(f"http://{host}:{self.port}" for host in ("localhost", "127.0.0.1"))

    @property
    def announced(self) -> tuple[str, ...]:
        """The hosts that offers name. Raises BadSetting."""
        hosts = tuple(host.strip() for host in self.media_announce.split(",") if host.strip())
        if not hosts:
            raise BadSetting("VW_MEDIA_ANNOUNCE: name at least one host")
        return hosts

    @property
    def codec_preference(self) -> tuple[Codec, ...]:
        """The codecs a call may use, best first. Raises BadSetting."""
        names = [name.strip() for name in self.codecs.split(",") if name.strip()]
        unknown = [name for name in names if name not in CODECS]
        if unknown or not names:
            raise BadSetting(f"VW_CODECS: {self.codecs!r}; there are {', '.join(CODECS)}")
        return tuple(codec for name in names for codec in CODECS if codec == name)

    @property
    def nodes(self) -> tuple[tuple[str, str], ...]:
        """Name and address of each media process. Raises BadSetting."""
        found = []
        for entry in filter(None, (e.strip() for e in self.media_nodes.split(","))):
            name, separator, url = entry.partition("=")
            if not separator or not url.startswith(("http://", "https://")):
                raise BadSetting(f"VW_MEDIA_NODES: {entry!r} is not name=http://host:port")
            found.append((name.strip(), url.strip()))
        if found:
            self.shared_token()
        return tuple(found)

    def shared_token(self) -> str:
        """What server and media processes show each other. Raises BadSetting."""
        if len(self.media_token) < MIN_TOKEN:
            raise BadSetting(f"VW_MEDIA_TOKEN: at least {MIN_TOKEN} characters are needed")
        return self.media_token

    @property
    def secure(self) -> bool:
        """Whether cookies are for https only: when every origin is."""
        return all(origin.startswith("https://") for origin in self.allowed_origins)

    @property
    def database(self) -> Path | sa.URL:
        """The SQLite file, or the PostgreSQL database. Raises BadSetting."""
        if not self.database_url:
            return self.data / "virtual-window.sqlite"
        try:
            url = sa.make_url(self.database_url)
        except (sa.exc.ArgumentError, ValueError) as error:
            raise BadSetting("DATABASE_URL: this is not a URL") from error
        if url.drivername not in ("postgres", "postgresql", "postgresql+asyncpg"):
            raise BadSetting(
                f"DATABASE_URL: {url.drivername}://… is not postgresql://user:password@host/name"
            )
        return url.set(drivername="postgresql+asyncpg")

    @property
    def redis(self) -> str | None:
        """Where the processes meet; None for one process. Raises BadSetting."""
        if not self.redis_url:
            return None
        if urlsplit(self.redis_url).scheme not in ("redis", "rediss", "unix"):
            raise BadSetting("REDIS_URL: this is not redis://host:port")
        if not self.database_url:
            raise BadSetting(
                "REDIS_URL: several processes need PostgreSQL; set DATABASE_URL as well"
            )
        if not self.nodes:
            raise BadSetting(
                "VW_MEDIA_NODES: several processes need media processes of their own; name them"
            )
        return self.redis_url

    @property
    def licence_store(self) -> tuple[str, str] | None:
        """Address and secret of the licence store; None without one. Raises BadSetting."""
        if not self.licence_store_url:
            return None
        try:
            check_address(self.licence_store_url)
        except ValueError as error:
            raise BadSetting(f"VW_LICENCE_STORE_URL: {error}") from error
        return self.licence_store_url, self.store_secret()

    def store_secret(self) -> str:
        """What the service and the licence store share. Raises BadSetting."""
        if len(self.licence_store_secret) < MIN_SECRET:
            raise BadSetting(
                f"VW_LICENCE_STORE_SECRET: at least {MIN_SECRET} characters are needed"
            )
        return self.licence_store_secret

    @property
    def recordings(self) -> Path:
        """Where recordings lie."""
        return self.data / "recordings"

    @property
    def own_seals(self) -> Path:
        """Where the certificates and keys lie that are made here."""
        return self.data / "seals"

    @property
    def given_seals(self) -> Path | None:
        """The folder with the cities' own certificates. Raises BadSetting."""
        if not self.seals:
            return None
        if not Path(self.seals).is_dir():
            raise BadSetting(f"VW_SEALS: {self.seals} is not a folder")
        return Path(self.seals)

    @property
    def time_stamps(self) -> str:
        """The time-stamping authority, "" for none. Raises BadSetting."""
        if self.time_stamp_url and not self.time_stamp_url.startswith(("http://", "https://")):
            raise BadSetting("VW_TIME_STAMP_URL: this is not http:// or https://")
        return self.time_stamp_url

    def secret(self) -> bytes:
        """The key that signs tokens: made at the first start, readable by the service alone."""
        path = self.data / "token.key"
        if not path.exists():
            self.data.mkdir(parents=True, exist_ok=True)
            made = path.with_suffix(f".{secrets.token_hex(8)}")
            made.touch(mode=0o600)
            made.write_bytes(secrets.token_bytes(32))
            try:
                os.link(made, path)  # of processes that start at once one makes it, whole
            except FileExistsError:
                pass
            finally:
                made.unlink()
        return path.read_bytes()


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65_535:
        raise ValueError(text)
    return port


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds <= 86_400:
        raise ValueError(text)
    return seconds


def _switch(text: str) -> bool:
    if text.lower() not in ("on", "off", "1", "0", "true", "false"):
        raise ValueError(text)
    return text.lower() in ("on", "1", "true")


_CONVERT: dict[str, Callable[[str], object]] = {
    "port": _port,
    "control_port": _port,
    "media_tcp": _switch,
    "media_port": _port,
    "data": Path,
    "ring_s": _seconds,
}


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return name.upper() if name in ("database_url", "redis_url") else f"VW_{name.upper()}"


def from_environment(environment: Mapping[str, str]) -> Settings:
    """Read `VW_HOST`, `VW_PORT`, … Raises BadSetting, also for names that are none."""
    known = {variable(f.name): f for f in fields(Settings)}
    values: dict[str, object] = {}
    for name, text in environment.items():
        if not name.startswith("VW_") and name not in known:
            continue
        if name not in known:
            raise BadSetting(f"{name}: no such setting; there are {', '.join(sorted(known))}")
        convert: Callable[[str], object] = _CONVERT.get(known[name].name, str)
        try:
            values[known[name].name] = convert(text)
        except ValueError as error:
            raise BadSetting(f"{name}: {text!r} is not a valid {name}") from error
    return Settings(**values)  # type: ignore[arg-type]
