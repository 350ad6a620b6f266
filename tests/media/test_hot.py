"""The compiled way, byte by byte against the plain one. Which media take it is in test_fast.py."""

import itertools
import random
import socket
from collections.abc import Iterator, Sequence
from dataclasses import asdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.node import rtcp
from media.node.codecs import Track
from media.node.connection import MOST_BYTES_A_SECOND
from media.node.relay import Counts
from media.node.srtp import compiled
from tests.media.pair import (
    GCM,
    NEXT_AUDIO,
    NEXT_RTX,
    NEXT_VIDEO,
    SHA1,
    SLOT,
    announced,
    pair,
)
from tests.media.rtp import AUDIO_SSRC, RTX, RTX_SSRC, VIDEO_SSRC, VP8, opus, rtp, rtx

INBOX_MOST = 20_000
TAG_BYTES = 16
profiles = pytest.mark.parametrize("profile", [GCM, SHA1], ids=["gcm", "sha1"])
places = pytest.mark.parametrize(
    ("host", "family"),
    [("127.0.0.1", socket.AF_INET), ("::", socket.AF_INET), ("::", socket.AF_INET6)],
    ids=["IPv4", "IPv4 on IPv6", "IPv6"],
)


def first(sequence: int = 100) -> tuple[bytes, ...]:
    """What fixes the numbers of each stream."""
    return opus(sequence, timestamp=9_600), rtp(sequence, timestamp=90_000)


def traffic(sequence: int, seed: int = 1) -> list[bytes]:
    """Sound, pictures and repairs, in every shape of header, in disorder."""
    draw = random.Random(seed)
    packets = []
    for number in range(sequence, sequence + 60):
        at = number & 0xFFFF
        packets += [
            opus(at, timestamp=960 * number & 0xFFFFFFFF, payload=draw.randbytes(80)),
            rtp(
                at,
                draw.randbytes(draw.randrange(1, 1100)),
                timestamp=3000 * number & 0xFFFFFFFF,
                marker=draw.random() < 0.3,
                padding=draw.choice([0, 0, 9]),
                csrcs=draw.choice([0, 0, 2]),
                extension=draw.choice([None, bytes(4), b"\x31\x00\x07\x00"]),
            ),
        ]
        if number % 5 == 0:
            packets.append(rtx(number // 5 & 0xFFFF, at, draw.randbytes(300), timestamp=7))
    return [
        packet for _, packet in sorted(enumerate(packets), key=lambda p: p[0] + draw.uniform(0, 6))
    ]


async def both_ways(
    packets: Sequence[bytes], *, reload: bool = False, **where: int
) -> tuple[list[tuple[list[bytes], list[tuple[Track, bytes]], Counts]], bool]:
    """What the clerk got, the inbox has and was counted, plain and compiled; and if routed."""
    results, routed = [], False
    for hot in (False, True):
        async with pair(hot=hot, **where) as running:  # type: ignore[arg-type]
            running.now = 50.0
            await running.establish(*first())
            if reload:
                running.announce(announced(NEXT_AUDIO, NEXT_VIDEO, NEXT_RTX))
                running.now = 52.0
                packets = [renamed(packet) for packet in packets]
                await running.establish(*(renamed(packet) for packet in first(65_500)))
            got = await running.passes(*running.resident.seal(*packets))
            if hot:
                routed = not running.handed
            running.retire()
            inbox = [(track, packet) for track, packet, _ in running.resident.tap.inbox]
            results.append((got, inbox, running.source.counts))
    return results, routed


def renamed(packet: bytes) -> bytes:
    """The same packet of the party after its reload."""
    ssrc = int.from_bytes(packet[8:12], "big")
    return packet[:8] + (ssrc % 1000 + 5000).to_bytes(4, "big") + packet[12:]


def numbers(packet: bytes) -> tuple[int, int]:
    """SSRC and sequence number."""
    return int.from_bytes(packet[8:12], "big"), int.from_bytes(packet[2:4], "big")


@profiles
@places
async def test_the_same_bytes_come_out_either_way(host: str, family: int, profile: int) -> None:
    where = {"host": host, "family": family, "profile": profile}
    (plain, hot), routed = await both_ways(traffic(101), **where)  # type: ignore[arg-type]
    assert routed
    assert len(hot[0]) == 132
    assert hot == plain


async def test_sequence_numbers_and_time_stamps_wrap_around_alike() -> None:
    (plain, hot), routed = await both_ways([*traffic(65_500), *traffic(65_560, seed=2)])
    assert routed
    assert hot == plain


async def test_a_replaced_source_is_renumbered_alike() -> None:
    sound_and_picture = [p for p in traffic(65_501) if p[1] & 0x7F != RTX]
    (plain, hot), routed = await both_ways(sound_and_picture, reload=True)
    assert routed
    assert hot == plain


@profiles
async def test_what_is_forged_or_repeated_is_refused_and_counted(profile: int) -> None:
    async with pair(hot=True, profile=profile) as running:
        await running.establish(*first())
        sealed = running.resident.seal(*traffic(101)[:20])
        assert len(await running.passes(*sealed)) == 20
        kept = len(running.resident.tap.inbox)
        forged = [bytes((*d[:-1], d[-1] ^ 1)) for d in running.resident.seal(*traffic(200)[:20])]
        cut = [d[: 12 + n] for n, d in enumerate(running.resident.seal(*traffic(300)[:20]))]
        assert await running.passes(*sealed, *forged, *cut) == []
        assert len(running.resident.tap.inbox) == kept
        running.retire()
        assert running.source.counts.refused == 60
        assert running.source.counts.received == 22
        assert running.handed == []


async def test_counts_are_merged_whenever_the_route_is_looked_at() -> None:
    async with pair(hot=True) as running:
        await running.establish(*first())
        for number in range(4):
            sealed = running.resident.seal(*traffic(200 * number + 101))
            await running.passes(*sealed, sealed[0])
            running.refresh()
        counts = asdict(running.source.counts)
        assert {k: v for k, v in counts.items() if v} == {
            "received": 2 + 4 * 132,
            "received_bytes": sum(len(p) for _, p, _ in running.resident.tap.inbox),
            "forwarded": 2 + 4 * 132,
            "refused": 4,
        }


async def test_what_is_not_hot_is_handed_back_as_it_came() -> None:
    async with pair(hot=True) as running:
        await running.establish(*first())
        (unknown, other_type) = running.resident.seal(
            rtp(7, ssrc=4711), opus(101)[:1] + bytes((VP8,)) + opus(101)[2:]
        )
        report = running.resident.outbound.protect_rtcp(rtcp.sender_report(AUDIO_SSRC, 1, 2))
        stun = b"\x00\x01\x00\x00\x21\x12\xa4\x42" + bytes(12)
        dtls = b"\x16\xfe\xfd" + bytes(20)
        cold = [unknown, other_type, report, stun, dtls, b"", b"\x80", unknown[:11]]
        assert await running.passes(*cold) == []
        address = running.resident.wire.getsockname()
        assert running.handed == [(datagram, address) for datagram in cold]
        assert running.source.counts.unknown_ssrc == 1
        assert running.source.counts.unknown_payload_type == 1


async def test_a_stranger_with_a_partys_packets_is_handed_back() -> None:
    async with pair(hot=True) as running:
        await running.establish(*first())
        sealed = running.resident.seal(*traffic(101)[:5])
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.connect(running.node)
            assert await running.passes(*sealed, sender=stranger) == []
            assert running.handed == [(d, stranger.getsockname()) for d in sealed]
        assert len(await running.passes(*sealed)) == 5  # and has spoilt nothing


async def test_a_flood_ends_at_the_budget_however_it_is_spent() -> None:
    body, sent = bytes(1100), 0
    async with pair(hot=True) as running:
        await running.establish(*first())
        for batch in range(25):
            packets = [rtp(101 + 100 * batch + n, body) for n in range(100)]
            await running.passes(*running.resident.seal(*packets))
            running.refresh()
            sent += 100
        counts = running.source.counts
        assert counts.flooded > 0
        assert counts.forwarded + counts.flooded == sent + 2
        taken = counts.received_bytes + TAG_BYTES * counts.received
        assert MOST_BYTES_A_SECOND - 1200 < taken <= MOST_BYTES_A_SECOND
        running.resident.connection.refill(0.01)
        running.refresh()
        assert len(await running.passes(*running.resident.seal(*traffic(3000)[:10]))) == 10


async def test_a_full_inbox_costs_the_recording_and_not_the_call() -> None:
    async with pair(hot=True) as running:
        await running.establish(*first())
        inbox = running.resident.tap.inbox
        inbox += inbox[:1] * (INBOX_MOST - 5 - len(inbox))
        assert len(await running.passes(*running.resident.seal(*traffic(101)))) == 132
        assert len(inbox) == INBOX_MOST
        running.refresh()
        assert running.resident.tap.lost == 127
        running.refresh()
        assert running.resident.tap.lost == 127


STEPS = st.lists(
    st.tuples(st.sampled_from(["plain", "hot", "reload"]), st.integers(1, 40)),
    min_size=1,
    max_size=8,
)
Heard = dict[int, list[tuple[int, bytes]]]


def disordered(ssrcs: Sequence[int], start: int, draw: random.Random) -> Iterator[bytes]:
    """Sound, pictures and repairs of a source, some lost, some late."""
    found = []
    for number in range(start, start + 200):
        at, body = number & 0xFFFF, number.to_bytes(4, "big")
        made = opus(at, payload=body), rtp(at, body), rtx(at, at, body)
        for packet, ssrc in zip(made, ssrcs, strict=True):
            if draw.random() < 0.8:
                late = number + draw.uniform(0, 12)
                found.append((late, packet[:8] + ssrc.to_bytes(4, "big") + packet[12:]))
    yield from (packet for _, packet in sorted(found))


async def walk(steps: Sequence[tuple[str, int]], start: int, seed: int, *, hot: bool) -> Heard:
    """The ways alternate, and the party comes back now and then; what the clerk opens, by SSRC."""
    draw, got = random.Random(seed), []
    source = disordered((AUDIO_SSRC, VIDEO_SSRC, RTX_SSRC), start, draw)
    async with pair(hot=hot) as running:
        for number, (way, packets) in enumerate([("plain", 4), *steps]):
            if way == "reload":
                ssrcs = [6000 + 10 * number + n for n in range(3)]
                running.announce(announced(*ssrcs))
                source = disordered(ssrcs, draw.randrange(65_536), draw)
            elif way == "hot":
                running.refresh()
            else:
                running.retire()
            now = itertools.islice(source, packets)
            got += await running.passes(*running.resident.seal(*now))
        heard: Heard = {}
        for packet in running.clerk.open(got):
            ssrc, sequence = numbers(packet)
            heard.setdefault(ssrc, []).append((sequence, packet[12:]))
        return heard


@settings(max_examples=60)
@given(STEPS, st.integers(0, 65_535), st.integers(0, 2**32))
async def test_the_numbers_are_the_plain_ones_however_the_ways_alternate(
    steps: list[tuple[str, int]], start: int, seed: int
) -> None:
    """Also SRTP opens all of them: no number is used twice, and none is skipped for good."""
    plain = await walk(steps, start, seed, hot=False)
    assert await walk(steps, start, seed, hot=True) == plain


async def test_a_late_packet_on_the_compiled_way_is_not_the_last_one() -> None:
    async with pair(hot=True) as running:
        await running.establish(*first())
        assert len(await running.passes(*running.resident.seal(rtp(98), opus(98)))) == 2
        running.announce(announced(NEXT_AUDIO, NEXT_VIDEO, NEXT_RTX))
        again = [renamed(packet) for packet in first(7)]
        opened = running.clerk.open(await running.passes(*running.resident.seal(*again)))
        assert sorted(map(numbers, opened)) == [(SLOT.audio, 101), (SLOT.camera, 101)]


async def test_repairs_go_on_behind_those_of_the_compiled_way_when_a_party_comes_back() -> None:
    async with pair(hot=True) as running:
        await running.establish(*first())
        repairs = [rtx(500 + n, 100, b"again") for n in range(10)]
        got = await running.passes(*running.resident.seal(*repairs))
        running.announce(announced(NEXT_AUDIO, NEXT_VIDEO, NEXT_RTX))
        after = [*first(40_000), *(rtx(505 + n, 40_000, b"again") for n in range(10))]
        got += await running.passes(*running.resident.seal(*(renamed(p) for p in after)))
        opened = [numbers(packet) for packet in running.clerk.open(got)]
        assert [n for ssrc, n in opened if ssrc == SLOT.camera_repair] == list(range(500, 520))


def test_the_compiled_module_was_built() -> None:
    """Otherwise nothing above has compared anything."""
    assert compiled is not None
