"""Between more than two parties the node answers: repairs, key frames, feedback, sound only."""

import struct
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.node import feedback, rtcp, rtp
from media.node.call import Call, CallId
from media.node.codecs import Track
from media.node.congestion import read_feedback
from media.node.connection import Connection
from media.node.feedback import AGAIN_MOST_S, AGAIN_S, PICTURE_NEEDS_BPS, TOO_LITTLE_S, Adaptation
from media.node.relay import Source
from media.node.sdp import Announced
from media.node.secure import Certificate
from tests.media.light import LightExchange, LightParty, light_exchange
from tests.media.peers import until
from tests.media.rtp import rtx

ENOUGH, LITTLE = 2.0 * PICTURE_NEEDS_BPS, 0.5 * PICTURE_NEEDS_BPS


async def three(running: LightExchange) -> list[LightParty]:
    """A managed call: who sends, and two who receive."""
    return [await running.join(name, slots=2) for name in ("resident", "clerk", "steward")]


def pli(media: int) -> bytes:
    return rtcp.picture_loss_indication(7, media)


def fir(media: int) -> bytes:
    body = struct.pack("!BBHIIII", 0x84, rtcp.PAYLOAD_FEEDBACK, 4, 7, 0, media, 1 << 24)
    return rtcp.receiver_report([]) + body


def limit(bitrate_bps: int, media: int) -> bytes:
    return rtcp.bitrate_limit(bitrate_bps, [media])


# Repairs


async def test_a_lost_packet_comes_again_from_the_nodes_cache() -> None:
    async with light_exchange() as running:
        resident, clerk, steward = await three(running)
        for number in range(5):
            resident.show(number, b"picture %d" % number)
        await clerk.until(lambda: b"picture 4" in clerk.bodies())
        camera = clerk.hears(0, "camera")
        clerk.tell(rtcp.nack(camera, [1, 3]))
        await clerk.until(lambda: len(clerk.packets) == 7)
        again = [rtp.original_of_repair(p, camera) for p in clerk.packets[5:]]
        assert again == [clerk.packets[1], clerk.packets[3]]
        assert len(steward.packets) <= 5
        assert resident.told(rtcp.TRANSPORT_FEEDBACK, rtcp.NACK) == []


async def test_what_the_cache_does_not_hold_is_not_made_up() -> None:
    async with light_exchange() as running:
        resident, clerk, _ = await three(running)
        resident.show(1, b"one")
        await clerk.until(lambda: clerk.packets)
        clerk.tell(rtcp.nack(clerk.hears(0, "camera"), [1_000, 40_000]))
        clerk.tell(rtcp.nack(4_711, [1]))
        resident.show(2, b"two")
        await clerk.until(lambda: b"two" in clerk.bodies())
        assert len(clerk.packets) == 2


async def test_the_node_asks_a_sender_for_what_it_misses_and_passes_the_repair_as_the_packet() -> (
    None
):
    async with light_exchange() as running:
        resident, clerk, _ = await three(running)
        resident.show(1, b"one")
        resident.show(3, b"three")
        await resident.until(lambda: resident.told(rtcp.TRANSPORT_FEEDBACK, rtcp.NACK))
        request = resident.told(rtcp.TRANSPORT_FEEDBACK, rtcp.NACK)[0]
        assert rtcp.lost_sequences(request) == [2]
        repair = bytearray(rtx(9, 2, b"two"))
        repair[8:12] = resident.ssrc("camera", repair=True).to_bytes(4, "big")
        resident.send(bytes(repair), bytes(repair[:2] + b"\x00\x0a" + repair[4:]))
        await clerk.until(lambda: b"two" in clerk.bodies())
        found = [(p[1] & 0x7F, int.from_bytes(p[2:4], "big")) for p in clerk.received(0, "camera")]
        assert found == [(96, 1), (96, 3), (96, 2)]
        await until(lambda: connection_counts(running, "resident")["repeated"] == 1)


def connection_counts(running: LightExchange, party: str) -> dict[str, int]:
    found = running.node.status()["connections"]
    assert isinstance(found, list)
    return next(c for c in found if c["party"] == party)


# Key frames


@pytest.mark.parametrize("request_of", [pli, fir])
async def test_requests_of_several_receivers_become_one_a_second(
    request_of: Callable[[int], bytes],
) -> None:
    async with light_exchange() as running:
        resident, clerk, steward = await three(running)
        began, before = time.monotonic(), len(asked(resident, "camera"))

        def asks() -> bool:
            for far in (clerk, steward):
                far.tell(*(request_of(far.hears(0, "camera")) for _ in range(5)))
            return len(asked(resident, "camera")) > before

        await until(asks)
        await until(lambda: asks() and time.monotonic() - began > 1.5)
        elapsed_s = time.monotonic() - began
        assert 1 <= len(asked(resident, "camera")) - before <= 1 + elapsed_s


async def test_a_request_reaches_the_party_that_is_seen_and_nobody_else() -> None:
    async with light_exchange() as running:
        resident, clerk, steward = await three(running)
        parties = (resident, clerk, steward)
        before = [len(party.told(rtcp.PAYLOAD_FEEDBACK)) for party in parties]

        def asks() -> bool:  # all were asked when they joined, and are again after a second
            clerk.tell(pli(clerk.hears(1, "screen")))
            return len(steward.told(rtcp.PAYLOAD_FEEDBACK)) > before[2]

        await until(asks)
        (request,) = steward.told(rtcp.PAYLOAD_FEEDBACK)[before[2] :]
        assert int.from_bytes(request[8:12], "big") == steward.ssrc("screen")
        assert [len(p.told(rtcp.PAYLOAD_FEEDBACK)) for p in parties[:2]] == before[:2]


def asked(party: LightParty, track: Track) -> list[bytearray]:
    """The key frames of a track that this party was asked for."""
    requests = party.told(rtcp.PAYLOAD_FEEDBACK, rtcp.PLI)
    return [r for r in requests if int.from_bytes(r[8:12], "big") == party.ssrc(track)]


# Numbers and reports


async def test_each_leg_is_numbered_without_a_hole_whoever_sends() -> None:
    async with light_exchange() as running:
        resident, clerk, steward = await three(running)
        for number in range(20):
            resident.show(number, number=30_000 + number)
            steward.speak(number, number=7 * number)
        await clerk.until(lambda: len(clerk.packets) == 40)
        numbers = []
        for packet in clerk.packets:
            offset = rtp.transport_offset(packet)
            numbers.append(int.from_bytes(packet[offset : offset + 2], "big"))
        assert numbers == [numbers[0] + n & 0xFFFF for n in range(40)]


async def test_a_sender_is_told_how_its_own_packets_arrived() -> None:
    async with light_exchange() as running:
        resident, *_ = await three(running)
        for number in (500, 501, 503):
            resident.speak(number, number=number)
        kind = rtcp.TRANSPORT_FEEDBACK, rtcp.TRANSPORT_CC
        await resident.until(lambda: resident.told(*kind))
        came = [
            (number, at is not None)
            for message in resident.told(*kind)
            for number, at in read_feedback(message)
        ]
        assert came == [(500, True), (501, True), (502, False), (503, True)]


async def test_the_clock_of_a_sender_is_told_to_each_receiver_in_its_own_numbers() -> None:
    async with light_exchange() as running:
        resident, clerk, steward = await three(running)
        resident.speak(1)
        for far in (clerk, steward):
            await far.until(lambda far=far: far.packets)  # type: ignore[misc]
        resident.tell(rtcp.sender_report(resident.ssrc("audio"), 5 << 32, 960))
        for far in (clerk, steward):
            await far.until(lambda far=far: far.told(rtcp.SENDER_REPORT))  # type: ignore[misc]
            (report,) = rtcp.sender_reports(far.told(rtcp.SENDER_REPORT))
            assert report == rtcp.SenderReport(far.hears(0, "audio"), 5 << 32, 960)


async def test_the_slowest_receiver_does_not_pull_down_what_a_sender_may_send() -> None:
    async with light_exchange() as running:
        resident, clerk, steward = await three(running)
        clerk.tell(limit(2_000_000, clerk.hears(0, "camera")))
        steward.tell(limit(200_000, steward.hears(0, "camera")))
        resident.show(1)

        def limits() -> list[int | None]:
            found = [rtcp.read_bitrate_limit(p) for p in resident.told(rtcp.PAYLOAD_FEEDBACK)]
            return [bitrate for bitrate in found if bitrate is not None]

        await resident.until(limits)
        assert limits()[-1] == pytest.approx(2_000_000, rel=0.01)


# Sound only


async def test_a_receiver_on_a_bad_path_gets_sound_only_and_the_others_their_picture() -> None:
    async with light_exchange() as running:
        resident, clerk, steward = await three(running)
        resident.show(1, b"before")
        for far in (clerk, steward):
            await far.until(lambda far=far: b"before" in far.bodies())  # type: ignore[misc]

        def bad() -> bool:
            steward.tell(limit(40_000, steward.hears(0, "camera")))
            return running.news.has(steward.connection, "sound_only")

        await until(bad)
        resident.show(2, b"face")
        resident.speak(2, b"voice")
        for far in (clerk, steward):
            await far.until(lambda far=far: b"voice" in far.bodies())  # type: ignore[misc]
        assert b"face" in clerk.bodies()
        assert b"face" not in steward.bodies()
        assert not running.news.has(clerk.connection, "sound_only")


def test_too_little_for_a_moment_is_not_too_little() -> None:
    decides = Adaptation()
    assert not decides.sound_only(False, LITTLE, True, 0.0)
    assert not decides.sound_only(False, LITTLE, True, 0.9 * TOO_LITTLE_S)
    assert not decides.sound_only(False, ENOUGH, True, 0.95 * TOO_LITTLE_S)
    assert not decides.sound_only(False, LITTLE, True, 1.9 * TOO_LITTLE_S)
    assert decides.sound_only(False, LITTLE, True, 4 * TOO_LITTLE_S)


def test_silence_of_the_receiver_is_too_little_as_well() -> None:
    decides = Adaptation()
    assert not decides.sound_only(False, ENOUGH, False, 0.0)
    assert decides.sound_only(False, ENOUGH, False, TOO_LITTLE_S)


def test_the_picture_is_tried_again_after_a_pause_that_grows_when_it_is_in_vain() -> None:
    pauses = []
    decides, only, now, since = Adaptation(), False, 0.0, 0.0
    while now < 400:
        now += 0.1
        before, only = only, decides.sound_only(only, LITTLE, True, now)
        if only and not before:
            since = now
        elif before and not only:
            pauses.append(now - since)
    expected = [AGAIN_S, 2 * AGAIN_S, 4 * AGAIN_S, AGAIN_MOST_S, AGAIN_MOST_S]
    assert pauses[:5] == pytest.approx(expected, abs=0.2)


@given(st.lists(st.tuples(st.floats(0.01, 30), st.floats(0, 1e6), st.booleans()), max_size=100))
def test_it_never_changes_its_mind_within_the_shortest_time(
    path: list[tuple[float, float, bool]],
) -> None:
    decides, only, now, changed = Adaptation(), False, 0.0, 0.0
    for elapsed_s, estimate_bps, heard in path:
        now += elapsed_s
        after = decides.sound_only(only, estimate_bps, heard, now)
        if after != only:
            assert now - changed >= (AGAIN_S if only else TOO_LITTLE_S)
            only, changed = after, now


def managed_receiver() -> tuple[Connection, Connection]:
    """Who hears and who is heard, in a managed call, without a wire."""
    context = Certificate().context()
    call = Call(CallId("call-7"))
    receiver, sender = Connection(context, 1), Connection(context, 1)
    for connection, party, ssrc in ((receiver, "clerk", 10), (sender, "resident", 20)):
        call.admit(connection, party)
        connection.call, connection.party = call, party
        connection.source = Source({ssrc: Announced("camera", repair=False)}, None)
        call.playing[party] = connection
    call.table = {"clerk": ["resident"]}
    call.wire(0.0)
    return receiver, sender


def test_a_tried_picture_has_room_to_show_itself_and_begins_with_a_key_frame() -> None:
    receiver, sender = managed_receiver()
    transport, source = receiver.leg.transport, sender.source
    assert transport is not None
    assert source is not None
    now, changes = 100.0, []
    while now < 100 + TOO_LITTLE_S + AGAIN_S + 1:
        transport.path.limited(int(LITTLE), now)
        if feedback.adapt(receiver, now):
            changes.append(receiver.leg.sound_only)
            if not receiver.leg.sound_only:
                assert transport.path.estimate_bps >= PICTURE_NEEDS_BPS
                assert source.key_frame_request("camera", now) is None  # was asked just now
        now += 0.1
    assert changes == [True, False]


def test_a_receiver_that_never_told_anything_keeps_its_picture() -> None:
    receiver, _ = managed_receiver()
    assert not any(feedback.adapt(receiver, 100.0 + second) for second in range(60))


# Whatever a party says


@given(st.binary(max_size=120))
def test_arbitrary_reports_are_taken_or_malformed(compound: bytes) -> None:
    receiver, _ = managed_receiver()
    for body in (compound, b"\x8f\xcd" + len(compound[:-4]).to_bytes(2, "big") + compound):
        try:
            feedback.take(receiver, body, 5.0)
        except rtcp.Malformed:
            continue


@given(
    st.integers(0, 31), st.sampled_from([200, 201, 205, 206]), st.binary(min_size=4, max_size=80)
)
def test_arbitrary_bodies_behind_good_headers_are_taken_or_malformed(
    count: int, kind: int, body: bytes
) -> None:
    receiver, _ = managed_receiver()
    body += bytes(-len(body) % 4)
    compound = struct.pack("!BBH", 0x80 | count, kind, len(body) // 4) + body
    try:
        feedback.take(receiver, compound, 5.0)
    except rtcp.Malformed:
        return
