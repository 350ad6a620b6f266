"""What does the benchmark say to its load, and what does the load say back?

`measurement.py` asks, `load.py` answers, one JSON line each (`child.py`).
"""

import msgspec

from deploy.bench.media.party import Remote


class Open(msgspec.Struct, frozen=True, tag=True):
    """Make so many parties; answered by `list[Local]`."""

    parties: int


class Connect(msgspec.Struct, frozen=True, tag=True):
    """Connect these parties, by their place; answered by the SRTP profiles in use."""

    remotes: dict[int, Remote]


class Prepare(msgspec.Struct, frozen=True, tag=True):
    """Seal what each flow's first party will send to its second; answered by `Prepared`."""

    flows: list[tuple[int, int]]
    seconds: float


class Play(msgspec.Struct, frozen=True, tag=True):
    """Send it; answered by `Playing` at once and by `Played` after the end.

    Packets sent from `begin_s` to `end_s` are counted.
    """

    begin_s: float
    end_s: float


Order = Open | Connect | Prepare | Play


class Prepared(msgspec.Struct, frozen=True):
    """How much will be sent."""

    packets: int
    pictures: int


class Playing(msgspec.Struct, frozen=True):
    """The moment that `begin_s` and `end_s` count from."""

    began_monotonic_s: float


class Played(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it; see `trace.Traced`. None for streams that were encoded anew.

    `late_p99_ms` says how far behind its timetable the load itself was, `missed` how many packets
    the capture had no room for: both belong to the load.
    """

    sent: int
    returned: int
    lost: int | None
    delay_p50_ms: float | None
    delay_p99_ms: float | None
    opened: int
    spoilt: int
    late_p99_ms: float
    missed: int
