"""What has a server used until now? CPU time and memory of a process and its descendants.

Read from /proc, so that it means the same for every server: `schedstat` of each thread for the
sum, to the nanosecond, and `stat` for its parts, in ticks of 10 ms. Work that the kernel does in
a server's name, as carrying its packets along the cable, is in it. See proc(5).
"""

import os
import time
from pathlib import Path

import msgspec

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class Usage(msgspec.Struct, frozen=True):
    """CPU time since the start, by thread and its parts of all, and the moment it was read."""

    at_monotonic_s: float
    user_s: float
    system_s: float
    threads_ns: dict[int, int]


class Used(msgspec.Struct, frozen=True):
    """CPU time between two moments; the parts are rounded, the sum is not."""

    seconds: float
    cpu_s: float
    user_s: float
    system_s: float


def usage(pid: int) -> Usage:
    """What the process, its descendants and those it has outlived have used."""
    user = system = 0
    threads_ns: dict[int, int] = {}
    for one in family(pid):
        try:
            fields = _stat(one)
            for task in Path(f"/proc/{one}/task").iterdir():
                text = (task / "schedstat").read_text(encoding="ascii")
                threads_ns[int(task.name)] = int(text.split()[0])
        except OSError:  # it ended meanwhile
            continue
        user += int(fields[11]) + int(fields[13])
        system += int(fields[12]) + int(fields[14])
    return Usage(time.monotonic(), user / _TICKS_PER_S, system / _TICKS_PER_S, threads_ns)


def between(begin: Usage, end: Usage) -> Used:
    """What was used from one moment to another; by threads that ended meanwhile, nothing."""
    cpu_ns = sum(ns - begin.threads_ns.get(thread, 0) for thread, ns in end.threads_ns.items())
    return Used(
        end.at_monotonic_s - begin.at_monotonic_s,
        cpu_ns / 1e9,
        end.user_s - begin.user_s,
        end.system_s - begin.system_s,
    )


def busy_s() -> float:
    """CPU time of everything on this machine since it started, without waiting."""
    with Path("/proc/stat").open(encoding="ascii") as lines:
        user, nice, system, _, _, irq, softirq, steal = lines.readline().split()[1:9]
    ticks = sum(map(int, (user, nice, system, irq, softirq, steal)))
    return ticks / _TICKS_PER_S


def resident_mb(pid: int) -> float:
    """Resident memory of the process and its descendants, in 1e6 bytes."""
    total = 0
    for one in family(pid):
        try:
            rollup = Path(f"/proc/{one}/smaps_rollup").read_text(encoding="ascii")
        except OSError:
            continue
        total += next(int(line.split()[1]) for line in rollup.splitlines() if line[:4] == "Rss:")
    return total * 1024 / 1e6


def family(pid: int) -> list[int]:
    """The process and its descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                children.setdefault(int(_stat(int(entry.name))[1]), []).append(int(entry.name))
            except OSError:
                continue
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the name, which may hold anything; [0] is the state."""
    text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    return text.rpartition(")")[2].split()
