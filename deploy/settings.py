"""What can be set? One typed object, read from the environment (`VW_…`) and handed down."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path


class BadSetting(ValueError):  # noqa: N818
    """A setting cannot be right; the text names it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting with its default: one process, no other server.

    `origins` are the addresses under which browsers may use the service, comma-separated;
    `media_announce` is the host that browsers send media to.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    origins: str = ""
    data: Path = field(default_factory=lambda: Path("data"))
    media_host: str = "127.0.0.1"
    media_port: int = 8443
    media_announce: str = "127.0.0.1"
    ring_s: float = 20.0

    @property
    def allowed_origins(self) -> frozenset[str]:
        """The exact origins a browser may come from."""
        if self.origins:
            return frozenset(o.strip().rstrip("/") for o in self.origins.split(","))
        return frozenset(f"http://{host}:{self.port}" for host in ("localhost", "127.0.0.1"))

    @property
    def secure(self) -> bool:
        """Whether cookies are for https only: when every origin is."""
        return all(origin.startswith("https://") for origin in self.allowed_origins)

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.data / "virtual-window.sqlite"

    @property
    def recordings(self) -> Path:
        """Where recordings lie."""
        return self.data / "recordings"

    def secret(self) -> bytes:
        """The key that signs tokens: made at the first start, readable by the service alone."""
        path = self.data / "token.key"
        if not path.exists():
            self.data.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
            path.write_bytes(secrets.token_bytes(32))
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


_CONVERT: dict[str, Callable[[str], object]] = {
    "port": _port,
    "media_port": _port,
    "data": Path,
    "ring_s": _seconds,
}


def from_environment(environment: Mapping[str, str]) -> Settings:
    """Read `VW_HOST`, `VW_PORT`, … Raises BadSetting, also for names that are none."""
    known = {f"VW_{f.name.upper()}": f for f in fields(Settings)}
    values: dict[str, object] = {}
    for name, text in environment.items():
        if not name.startswith("VW_"):
            continue
        if name not in known:
            raise BadSetting(f"{name}: no such setting; there are {', '.join(sorted(known))}")
        convert: Callable[[str], object] = _CONVERT.get(known[name].name, str)
        try:
            values[known[name].name] = convert(text)
        except ValueError as error:
            raise BadSetting(f"{name}: {text!r} is not a valid {name}") from error
    return Settings(**values)  # type: ignore[arg-type]
