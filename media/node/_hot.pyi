"""The hot path of a two-party call, compiled (`_hot.c`); not there where nothing was compiled."""

from collections.abc import Hashable

class Error(ValueError): ...

class Session:
    """One direction of one connection's SRTP; raises Error for what is not authentic."""

    def __init__(self, key: bytes, profile: int, inbound: bool, window: int) -> None: ...
    def protect(self, packet: bytes) -> bytes: ...
    def unprotect(self, packet: bytes) -> bytes: ...
    def protect_rtcp(self, packet: bytes) -> bytes: ...
    def unprotect_rtcp(self, packet: bytes) -> bytes: ...

class Route:
    """What happens to the media from one address."""

    received: int
    received_bytes: int
    forwarded: int
    refused: int
    flooded: int
    unsent: int
    overflow: int
    budget: int
    @property
    def heard_s(self) -> float: ...
    def add(
        self,
        ssrc: int,
        payload_types: tuple[int, ...],
        track: Hashable,
        out_ssrc: int,
        sequence_shift: int,
        timestamp_shift: int,
        last_sequence: int,
        /,
    ) -> None: ...
    def last(self, ssrc: int, /) -> tuple[int, int, float, bytes] | None: ...

class Drain:
    """One UDP socket and its routes."""

    @property
    def oversized(self) -> int: ...
    def __init__(self, fd: int, family: int) -> None: ...
    def read(self) -> list[tuple[bytes, tuple[str, int]]]: ...
    def route(
        self,
        host: str,
        port: int,
        inbound: Session,
        to_host: str,
        to_port: int,
        outbound: Session,
        inbox: list[object] | None,
        /,
    ) -> Route: ...
    def remove(self, route: Route, /) -> bool: ...
