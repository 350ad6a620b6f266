"""The compiled way passes what the plain way passes, and ends where a call changes."""

import struct
from datetime import UTC, datetime
from pathlib import Path

import pytest

from media.node import rtcp, rtp
from media.node.srtp import compiled
from media.records import manifest as manifests
from media.records.recorder import Recorder, Visit
from media.records.store import Store
from tests.media.light import LightExchange, LightParty, light_exchange
from tests.media.peers import CALL, until
from tests.media.rtp import red, rtx

ways = pytest.mark.parametrize("hot", [True, False], ids=["compiled", "plain"])


async def underway(running: LightExchange, *parties: LightParty) -> None:
    """Each of two has sent some of each track, and now goes the way that its media may take."""
    for party in parties:
        party.speak(100, b"first", number=10)
        party.show(100, b"first", number=11)
        party.show(100, b"first", track="screen", number=12)
    for party in parties:
        await party.until(lambda party=party: len(party.packets) == 3)  # type: ignore[misc]
    fast = running.node._fast
    if fast is not None:
        await until(lambda: len(fast._routed) == len(parties))


async def a_call(running: LightExchange, *, slots: int = 1) -> tuple[LightParty, LightParty]:
    resident = await running.join("resident", slots=slots)
    clerk = await running.join("clerk", slots=slots)
    await underway(running, resident, clerk)
    return resident, clerk


def read(packet: bytes) -> tuple[int, int, bytes]:
    """Sequence number, time stamp and payload."""
    return *struct.unpack_from("!HI", packet, 2), packet[rtp.payload_offset(packet) :]


def transport_number(packet: bytes) -> int:
    at = rtp.transport_offset(packet)
    return int.from_bytes(packet[at : at + 2], "big")


def test_the_compiled_way_is_here() -> None:
    """What is not built is not tested: `make` builds it."""
    assert compiled is not None


@ways
async def test_packets_pass_unchanged_but_for_their_ssrc(hot: bool) -> None:
    async with light_exchange(hot=hot) as running:
        resident, clerk = await a_call(running)
        for number in range(101, 131):
            resident.speak(number, b"sound %d" % number, number=number)
            resident.show(number, b"picture %d" % number, codec="H264")
        await clerk.until(lambda: len(clerk.packets) == 63)
        sounds, pictures = clerk.received(0, "audio")[1:], clerk.received(0, "camera")[1:]
        expected = range(101, 131)
        assert [read(p) for p in sounds] == [(n, 960 * n, b"sound %d" % n) for n in expected]
        assert [read(p) for p in pictures] == [(n, 960 * n, b"picture %d" % n) for n in expected]
        assert [transport_number(p) for p in sounds] == list(expected)


@ways
async def test_repairs_and_reports_pass(hot: bool) -> None:
    async with light_exchange(hot=hot) as running:
        resident, clerk = await a_call(running)
        for number in range(2):
            repair = bytearray(rtx(700 + number, 100, b"again"))
            repair[8:12] = resident.ssrc("camera", repair=True).to_bytes(4, "big")
            resident.send(bytes(repair))
            await clerk.until(lambda number=number: len(clerk.packets) == 4 + number)  # type: ignore[misc]
        original = [rtp.original_of_repair(p, clerk.hears(0, "camera")) for p in clerk.packets[3:]]
        assert [read(p)[::2] for p in original if p is not None] == [(100, b"again")] * 2
        clerk.tell(rtcp.nack(clerk.hears(0, "camera"), [100]))
        await resident.until(lambda: resident.told(rtcp.TRANSPORT_FEEDBACK, rtcp.NACK))
        (request,) = resident.told(rtcp.TRANSPORT_FEEDBACK, rtcp.NACK)
        assert int.from_bytes(request[8:12], "big") == resident.ssrc("camera")
        assert rtcp.lost_sequences(request) == [100]


@ways
async def test_who_is_no_longer_heard_is_not_heard_from_that_moment(hot: bool) -> None:
    async with light_exchange(hot=hot) as running:
        resident, clerk = await a_call(running)
        running.node.hear(CALL, {"resident": ["clerk"], "clerk": []})
        resident.speak(101, b"private")
        await resident.echo()
        await clerk.echo()
        assert b"private" not in {read(p)[2] for p in clerk.packets}
        clerk.speak(101, b"still heard")
        await resident.until(lambda: read(resident.packets[-1])[2] == b"still heard")


@ways
async def test_a_third_party_ends_the_way_of_two_without_a_hole(hot: bool) -> None:
    async with light_exchange(hot=hot) as running:
        resident, clerk = await a_call(running, slots=2)
        for number in range(101, 111):
            resident.speak(number, number=number)
        await clerk.until(lambda: len(clerk.received(0, "audio")) == 11)
        steward = await running.join("steward", slots=2)
        for number in range(111, 121):
            resident.speak(number, number=number)
        await clerk.until(lambda: len(clerk.received(0, "audio")) == 21)
        await steward.until(lambda: len(steward.received(0, "audio")) == 10)
        sounds = clerk.received(0, "audio")
        assert [read(p)[0] for p in sounds] == list(range(100, 121))
        assert [transport_number(p) for p in sounds[1:]] == list(range(101, 121))


@ways
async def test_a_party_that_comes_back_goes_on_where_it_ended(hot: bool) -> None:
    async with light_exchange(hot=hot) as running:
        resident, clerk = await a_call(running)
        for number in range(101, 111):
            resident.speak(number)
        await clerk.until(lambda: len(clerk.received(0, "audio")) == 11)
        again = await running.join("resident")
        for number in range(50_000, 50_003):
            again.speak(number, b"again")
            await clerk.until(
                lambda number=number: len(clerk.received(0, "audio")) == number - 49_988  # type: ignore[misc]
            )
        sounds = clerk.received(0, "audio")
        assert [read(p)[0] for p in sounds] == list(range(100, 114))
        stamps = [read(p)[1] for p in sounds]
        assert stamps == sorted(stamps)


@ways
async def test_a_party_that_moves_to_another_address_is_heard_from_there(hot: bool) -> None:
    async with light_exchange(hot=hot) as running:
        resident, clerk = await a_call(running)
        await resident.move(running.node)
        resident.speak(101, b"from there")
        await clerk.until(lambda: read(clerk.packets[-1])[2] == b"from there")
        clerk.speak(101, b"to there")
        await resident.until(lambda: read(resident.packets[-1])[2] == b"to there")
        fast = running.node._fast
        if fast is not None:
            await until(lambda: len(fast._routed) == 2)
        clerk.speak(102, b"and again")
        await resident.until(lambda: read(resident.packets[-1])[2] == b"and again")


@ways
async def test_redundant_sound_is_still_made_plain_for_who_does_not_read_it(hot: bool) -> None:
    async with light_exchange(hot=hot) as running:
        resident = await running.join("resident")
        clerk = await running.join("clerk", red=False)
        await underway(running, resident, clerk)
        packet = bytearray(red(101, [b"before"], b"now"))
        packet[8:12] = resident.ssrc("audio").to_bytes(4, "big")
        resident.send(bytes(packet))
        await clerk.until(lambda: len(clerk.packets) == 4)
        assert read(clerk.packets[-1])[2] == b"now"


@ways
async def test_counts_are_the_same_either_way(hot: bool) -> None:
    async with light_exchange(hot=hot) as running:
        resident, clerk = await a_call(running)
        resident.send(clerk.packets[0])  # under an SSRC it did not announce
        resident.speak(101)
        resident.speak(102)
        await clerk.until(lambda: len(clerk.packets) == 5)
        await until(lambda: counted(running)["forwarded"] == 5)
        found = counted(running)
        assert (found["received"], found["unknown_ssrc"], found["refused"]) == (6, 1, 0)


def counted(running: LightExchange) -> dict[str, int]:
    found = running.node.status()["connections"]
    assert isinstance(found, list)
    return next(c for c in found if c["party"] == "resident")


@ways
async def test_silence_is_told_and_its_end(hot: bool) -> None:
    async with light_exchange(hot=hot) as running:
        resident, clerk = await a_call(running)
        numbers = iter(range(101, 10_000))

        def silent() -> bool:
            clerk.speak(next(numbers))
            return running.news.has(resident.connection, "silent")

        await until(silent)
        assert not running.news.has(clerk.connection, "silent")
        resident.speak(101)
        await running.news.wait_for(resident.connection, "heard")


@ways
async def test_nothing_of_a_pause_is_recorded(hot: bool, tmp_path: Path) -> None:
    visit = Visit("visit-7", CALL, "lanzhou", datetime(2026, 11, 23, 8, 30, tzinfo=UTC))
    recorder = Recorder(Store(tmp_path))
    await recorder.start()
    try:
        async with light_exchange(hot=hot) as running:
            tap = recorder.open(visit, "resident", lambda track: None)
            resident = await running.join("resident", tap)
            clerk = await running.join("clerk")
            await underway(running, resident, clerk)
            for number in range(101, 111):
                resident.speak(number)
            await clerk.until(lambda: len(clerk.received(0, "audio")) == 11)
            await recorder.pause(CALL)
            for number in range(111, 121):
                resident.speak(number)
            await clerk.until(lambda: len(clerk.received(0, "audio")) == 21)
            await recorder.resume(CALL)
            for number in range(121, 126):
                resident.speak(number)
            await clerk.until(lambda: len(clerk.received(0, "audio")) == 26)
            recorder.close(tap)
            await recorder.settled()
    finally:
        await recorder.stop()
    segments = manifests.read(Store(tmp_path).folder("lanzhou", "visit-7", visit.taken_at)).segments
    assert [s.audio_frames for s in segments] == [11, 5]
