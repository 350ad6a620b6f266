"""What does one server do with so many calls? A fresh server, a fresh load, one run.

The parties connect, play for `WARM_UP_S`, and then are measured for some seconds. Memory is what
the server holds at the end of that beyond what it held before the first call.
"""

import logging
import sys
import time
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import msgspec

from deploy.bench.media import orders, servers
from deploy.bench.media.child import Child
from deploy.bench.media.lab import Lab
from deploy.bench.media.party import Local, Remote
from deploy.bench.media.program import STAGGER_S
from deploy.bench.media.usage import Usage, between, busy_s, resident_mb, usage

log = logging.getLogger(__name__)

WARM_UP_S = STAGGER_S + 1.0  # all parties play: first key frames, first files
_TAIL_S = 0.5  # played on after the measured time
_ANSWER_S = 60.0
_T = TypeVar("_T")


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """One run. Packets are those of the measured time, pictures those of the whole call.

    `lost` is of packets sent to the server that did not come back to the other party; for aiortc,
    which sends other packets than it was sent, those of the whole call that it did not take.
    `load_late_p99_ms` and `load_missed` are the load's own faults, `others_cores` is how many
    cores something else on the machine kept busy: if they are not small, the run says little.
    """

    server: servers.Name
    calls: int
    seconds: float
    cpu_s: float
    user_s: float
    system_s: float
    memory_mb: float
    sent: int
    returned: int
    lost: int
    delay_p50_ms: float | None
    delay_p99_ms: float | None
    spoilt: int
    pictures_sent: int
    pictures_recorded: int
    profile: str
    load_late_p99_ms: float
    load_missed: int
    others_cores: float

    @property
    def cpu_s_per_minute(self) -> float:
        """CPU seconds of the server for a minute of one recorded call."""
        return self.cpu_s * 60 / self.seconds / self.calls

    @property
    def packets_per_core(self) -> float:
        """RTP packets the server takes in for each second of CPU time."""
        return self.sent / max(self.cpu_s, 1e-9)

    @property
    def clean(self) -> bool:
        """Whether every packet came back as it was sent and every picture is recorded."""
        return self.lost == 0 and self.spoilt == 0 and self.pictures_missing == 0

    @property
    def pictures_missing(self) -> int:
        """Pictures sent that are not whole in the recordings."""
        return self.pictures_sent - self.pictures_recorded

    @property
    def memory_per_call_mb(self) -> float:
        """Memory of one call."""
        return self.memory_mb / self.calls


def measure(lab: Lab, name: servers.Name, calls: int, seconds: float) -> Measured:
    """Run it. Raises child.ChildFailed, janus.JanusFailed, sdp.UnreadableSdp."""
    log.info("< %s with %d calls", name, calls)
    with TemporaryDirectory(prefix="virtual-window-bench-") as made:
        folder = Path(made)
        with servers.started(name, lab, folder) as server:
            command = lab.at("load", [sys.executable, "-m", "deploy.bench.media.load"])
            with closing(Child("the load", command, folder / "load.log")) as process:
                found = _measure(server, process, name, calls, seconds)
    log.info("> %s", found)
    return found


def _measure(
    server: servers.Server, process: Child, name: servers.Name, calls: int, seconds: float
) -> Measured:
    idle_mb = resident_mb(server.pid)
    links = sum(map(len, server.stages))
    locals_ = _ask(process, orders.Open(calls * links), list[Local])
    profiles: set[str] = set()
    for stage, members in enumerate(server.stages):
        remotes: dict[int, Remote] = {}
        for call in range(calls):
            ends = [call * links + member for member in members]
            described = server.open(call, stage, [locals_[end] for end in ends])
            remotes.update(zip(ends, described, strict=True))
        profiles.update(_ask(process, orders.Connect(remotes), list[str]))
    flows = [(call * links + a, call * links + b) for call in range(calls) for a, b in server.flows]
    end_s = WARM_UP_S + seconds
    prepared = _ask(process, orders.Prepare(flows, end_s + _TAIL_S), orders.Prepared)
    playing = _ask(process, orders.Play(WARM_UP_S, end_s), orders.Playing)
    pids = (server.pid, process.pid)
    begin = _usage_at(pids, playing.began_monotonic_s + WARM_UP_S)
    end = _usage_at(pids, playing.began_monotonic_s + end_s)
    used, by_load = (between(*marks) for marks in zip(begin.of, end.of, strict=True))
    others_s = end.busy_s - begin.busy_s - used.cpu_s - by_load.cpu_s
    memory_mb = resident_mb(server.pid) - idle_mb
    played = msgspec.json.decode(process.hear(_ANSWER_S + seconds), type=orders.Played)
    ended = server.finish(calls)
    lost = played.lost
    if lost is None:
        if name != "aiortc":
            raise process.failure("saw nothing come back from some party")
        lost = prepared.packets - ended.taken
    return Measured(
        server=name,
        calls=calls,
        seconds=used.seconds,
        cpu_s=used.cpu_s,
        user_s=used.user_s,
        system_s=used.system_s,
        memory_mb=memory_mb,
        sent=played.sent,
        returned=played.returned,
        lost=lost,
        delay_p50_ms=played.delay_p50_ms,
        delay_p99_ms=played.delay_p99_ms,
        spoilt=played.spoilt,
        pictures_sent=prepared.pictures,
        pictures_recorded=ended.pictures,
        profile=", ".join(sorted(profiles)),
        load_late_p99_ms=played.late_p99_ms,
        load_missed=played.missed,
        others_cores=max(0.0, others_s / used.seconds),
    )


def _ask(process: Child, order: orders.Order, answer: type[_T]) -> _T:
    line = process.ask(msgspec.json.encode(order), _ANSWER_S)
    return msgspec.json.decode(line, type=answer)


class _Mark(msgspec.Struct, frozen=True):
    """What the server, the load and the whole machine have used until one moment."""

    of: tuple[Usage, ...]
    busy_s: float


def _usage_at(pids: tuple[int, ...], at_monotonic_s: float) -> _Mark:
    time.sleep(max(0.0, at_monotonic_s - time.monotonic()))
    return _Mark(tuple(usage(pid) for pid in pids), busy_s())
