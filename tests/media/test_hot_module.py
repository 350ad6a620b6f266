"""The compiled module by itself: its table of routes, its references, and what is thrown at it."""

import gc
import os
import random
import re
import resource
import socket
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.node import _hot
from tests.media.hostile import DATAGRAMS, SSRC, TYPE, Wires, packet, throw

MOST_ROUTES = 2048
SOURCE = Path(_hot.__file__).parent / "_hot.c"
ROOT = SOURCE.parents[2]
GCM, SHA1 = 7, 1


def session(*, inbound: bool = True) -> _hot.Session:
    return _hot.Session(bytes(28), GCM, inbound, 128)


@pytest.fixture
def drain() -> Iterator[_hot.Drain]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        wire.setblocking(False)
        yield _hot.Drain(wire.fileno(), socket.AF_INET)


def route(drain: _hot.Drain, place: int, inbox: list[object] | None = None) -> _hot.Route:
    """A route from one of 65,000 addresses."""
    host = f"10.0.{place // 250}.{place % 250}"
    return drain.route(host, 40_000 + place % 7, session(), "10.1.0.1", 9, session(), inbox)


# The table of routes


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 400)), min_size=200, max_size=1200))
def test_routes_are_found_whatever_came_and_went_before(steps: list[tuple[bool, int]]) -> None:
    drain = _hot.Drain(0, socket.AF_INET)
    into = session()
    present: dict[int, _hot.Route] = {}
    for add, place in steps:
        known = present.pop(place, None)
        if add:
            present[place] = drain.route("10.0.0.1", place + 1, into, "10.1.0.1", 9, into, None)
            assert known is None or not drain.remove(known)  # it was replaced
        elif known is not None:
            assert drain.remove(known)
            assert not drain.remove(known)
    assert all(drain.remove(found) for found in present.values())


def test_a_full_table_finds_all_and_takes_no_more(drain: _hot.Drain) -> None:
    routes = [route(drain, place) for place in range(MOST_ROUTES)]
    with pytest.raises(ValueError, match="too many routes"):
        route(drain, MOST_ROUTES)
    random.Random(3).shuffle(routes)
    for half in (routes[:1024], routes[1024:]):
        assert all(drain.remove(found) for found in half)
    assert route(drain, MOST_ROUTES).received == 0


def test_a_route_of_another_socket_is_not_removed(drain: _hot.Drain) -> None:
    other = _hot.Drain(0, socket.AF_INET)
    route(drain, 1)
    assert not drain.remove(route(other, 1))
    with pytest.raises(TypeError):
        drain.remove(session())  # type: ignore[arg-type]


def test_what_a_route_cannot_be_is_refused(drain: _hot.Drain) -> None:
    one = session()
    for host in ("::1", "localhost", "10.0.0.256", "fe80::1%lo", ""):
        with pytest.raises(ValueError, match="no address"):
            drain.route(host, 9, one, "10.0.0.1", 9, one, None)
    with pytest.raises(TypeError):
        drain.route("10.0.0.1", 9, one, "10.0.0.2", 9, one, ())  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        _hot.Route()
    made = route(drain, 1)
    for types in ((128,), (-1,), (96, 1 << 70)):
        with pytest.raises((ValueError, OverflowError)):
            made.add(1, types, "camera", 2, 0, 0, -1)
    for row in range(8):
        made.add(row, (96,), "camera", 2, 0, 0, -1)
    with pytest.raises(ValueError, match="at most 8"):
        made.add(9, (96,), "camera", 2, 0, 0, -1)


@pytest.mark.parametrize(
    ("key", "profile"), [(bytes(27), GCM), (bytes(29), GCM), (b"", SHA1), (bytes(28), 99)]
)
def test_a_session_wants_the_key_of_its_profile(key: bytes, profile: int) -> None:
    with pytest.raises(_hot.Error):
        _hot.Session(key, profile, True, 128)


# What it holds


def test_ten_thousand_routes_leave_nothing_behind(drain: _hot.Drain) -> None:
    into, out, track = session(), session(inbound=False), ("camera", "of 7")
    inbox: list[object] = []

    def come_and_go(times: int) -> None:
        for place in range(times):
            host = f"10.0.{place % 200}.1"
            made = drain.route(host, 9, into, "10.1.0.1", 9, out, inbox)
            made.add(1, (96, 97), track, 2, 0, 0, -1)
            made.add(2, (96, 97), track, 2, 0, 0, -1)
            with pytest.raises(ValueError, match="payload type"):
                made.add(3, (300,), track, 2, 0, 0, -1)
            if place % 3:
                drain.remove(made)

    def held() -> list[int]:
        gc.collect()
        return [sys.getrefcount(one) for one in (into, out, inbox, track)]

    come_and_go(600)
    before, blocks = held(), sys.getallocatedblocks()
    come_and_go(10_200)
    assert held() == before
    assert sys.getallocatedblocks() - blocks < 100


def test_sessions_and_sockets_give_their_memory_back() -> None:
    def come_and_go(times: int) -> int:
        for _ in range(times):
            drain = _hot.Drain(0, socket.AF_INET)
            route(drain, 1, [])
            with pytest.raises(_hot.Error):
                _hot.Session(bytes(5), GCM, True, 128)
        gc.collect()
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    before = come_and_go(200)
    assert come_and_go(2_000) - before < 4_000  # kB; one lost Drain a round would be 340,000


def test_packets_leave_no_reference_behind() -> None:
    inbox: list[object] = []
    with closing(Wires(_hot, inbox)) as wires:

        def pass_some(begin: int) -> int:
            for number in range(begin, begin + 1000, 50):
                sealed = [wires.seals.protect(packet(number + n, b"x" * 99)) for n in range(50)]
                assert len(wires.passes([*sealed, b"\x00cold"])[0]) == 50
                inbox.clear()
            gc.collect()
            return sys.getallocatedblocks()

        before = pass_some(0)
        assert pass_some(1000) - before < 100


# What comes


@pytest.mark.parametrize(("inward", "most"), [(GCM, 2048), (SHA1, 2042)])
def test_datagrams_pass_up_to_2048_bytes_and_longer_ones_are_counted(
    inward: int, most: int
) -> None:
    inbox: list[object] = []
    with closing(Wires(_hot, inbox, inward)) as wires:
        tag, sizes = 16 if inward == GCM else 10, [40, 1200, most - 1, most]
        bodies = [b"x" * (size - tag - 12) for size in sizes]
        sealed = [wires.seals.protect(packet(n, body)) for n, body in enumerate(bodies)]
        assert [len(datagram) for datagram in sealed] == sizes
        longer = [sealed[-1] + bytes(2049 - most), bytes(2049), bytes(9000), bytes(65_000)]
        passed, handed = wires.passes([*longer, *sealed, *longer])
        opened = [wires.opens.unprotect(datagram) for datagram in passed]
        assert [datagram[12:] for datagram in opened] == bodies
        assert [int.from_bytes(d[2:4], "big") for d in opened] == [65_000 + n for n in range(4)]
        assert handed == []
        assert (wires.route.received, wires.route.refused, len(inbox)) == (4, 0, 4)
        assert wires.drain.oversized == 2 * len(longer)


@pytest.mark.parametrize("size", [0, 1, 7, 11, 2049, 70_000])
def test_a_session_refuses_what_is_too_short_or_too_long(size: int) -> None:
    for one in (session(), session(inbound=False)):
        for work in (one.protect, one.unprotect):
            with pytest.raises(_hot.Error):
                work(bytes(size))
        if size < 8 or size > 2048:
            for work in (one.protect_rtcp, one.unprotect_rtcp):
                with pytest.raises(_hot.Error):
                    work(bytes(size))
        with pytest.raises(TypeError):
            one.protect("text")  # type: ignore[arg-type]


def test_a_far_party_that_is_gone_is_counted_and_stops_nobody() -> None:
    with closing(Wires(_hot)) as wires:
        sealed = [wires.seals.protect(packet(n, b"x")) for n in range(20)]
        wires.far.close()
        for datagram in sealed:  # the kernel tells of the ICMP error with the next call
            wires.party.send(datagram)
        for _ in range(100):
            wires.drain.read()
        assert wires.route.received == 20
        assert wires.route.forwarded == 20


def test_noise_never_harms_it_and_good_packets_pass_between() -> None:
    found = throw(_hot, DATAGRAMS, seed=random.randrange(1 << 32))
    assert found["passed"] + found["unsent"] == found["kept"] > DATAGRAMS // 10
    assert min(found["refused"], found["handed"]) > DATAGRAMS // 50


def test_sanitizers_find_nothing_while_noise_comes(tmp_path: Path) -> None:
    module = tmp_path / "_hot.so"
    include = f"-I{sysconfig.get_paths()['include']}"
    sanitize = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    options = ["-g", "-O1", "-fPIC", "-shared", "-Wall", "-Wextra", "-Werror"]
    subprocess.run(
        ["gcc", *sanitize, *options, include, str(SOURCE), "-o", str(module), "-lsrtp2"],
        check=True,
    )
    asan = subprocess.run(
        ["gcc", "-print-file-name=libasan.so"], check=True, capture_output=True, text=True
    )
    ran = subprocess.run(
        [sys.executable, "-m", "tests.media.hostile", str(module)],
        cwd=ROOT,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "LD_PRELOAD": asan.stdout.strip(),
            "ASAN_OPTIONS": "detect_leaks=0",  # the interpreter's own
            "PYTHONMALLOC": "malloc",  # so that each object has its own bounds
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert not re.search("Sanitizer|runtime error", ran.stderr)
    assert "passed" in ran.stdout


def test_only_announced_types_of_announced_ssrcs_are_hot() -> None:
    with closing(Wires(_hot)) as wires:
        other_type = bytearray(packet(1, b"x"))
        other_type[1] = TYPE + 1
        cold = [packet(1, b"x", ssrc=SSRC + 1), bytes(other_type), packet(1, b"x", first=0x40)]
        passed, handed = wires.passes([*cold, wires.seals.protect(packet(1, b"x"))])
        assert (len(passed), handed) == (1, cold)
