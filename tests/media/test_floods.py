"""Floods are counted and bounded, and the calls go on."""

import asyncio
import itertools
import os
import random
from collections.abc import Callable
from contextlib import closing

import pytest

from media.node import rtcp
from media.node.admission import MAX_ADDRESSES
from media.node.codecs import OPUS, VIDEO
from media.node.connection import MOST_BYTES_A_SECOND
from media.node.node import CallId
from media.node.relay import Counts
from tests.media.light import LightExchange, LightParty, UdpWire, light_exchange
from tests.media.peers import Stranger, binding_request, credentials, until
from tests.media.rtp import rtp

DATAGRAMS = 20_000
TURN = 100  # datagrams that a small receive buffer holds


def dropped(running: LightExchange) -> int:
    counts = running.node.status()["refused"]
    assert isinstance(counts, dict)
    return sum(count for reason, count in counts.items() if reason != "answered")


def counts(running: LightExchange, party: str) -> Counts:
    found = running.node.status()["connections"]
    assert isinstance(found, list)
    of_party = next(c for c in found if c["party"] == party)
    return Counts(**{name: of_party[name] for name in Counts.__slots__})


async def goes_on(one: LightParty, other: LightParty, word: bytes) -> None:
    """A call between two: each hears the other's word."""
    number = sum(word)
    for speaker, listener in ((one, other), (other, one)):
        speaker.speak(number, word)
        await listener.until(lambda listener=listener: word in listener.bodies())  # type: ignore[misc]


async def a_call(running: LightExchange) -> tuple[LightParty, LightParty]:
    return await running.join("resident"), await running.join("clerk")


def sealed_rubbish(seed: int) -> bytes:
    return b"\x80\x60" + random.Random(seed).randbytes(60)


def forged_checks(ufrag: str) -> Callable[[int], bytes]:
    request = bytes(binding_request(ufrag, "f" * 32))
    return lambda _: request


# Strangers


@pytest.mark.parametrize("kind", ["media", "checks", "nothing"])
async def test_twenty_thousand_datagrams_of_strangers_are_counted_and_the_call_goes_on(
    kind: str,
) -> None:
    async with light_exchange() as running:
        resident, clerk = await a_call(running)
        ufrag, _ = credentials(resident.offer)
        make = {
            "media": sealed_rubbish,
            "checks": forged_checks(ufrag),
            "nothing": lambda seed: bytes((seed % 256,)),
        }[kind]
        with closing(Stranger(running.node)) as stranger:
            for sent in range(TURN, DATAGRAMS + 1, TURN):
                for seed in range(TURN):
                    stranger.send(make(seed))
                await until(lambda sent=sent: dropped(running) == sent)  # type: ignore[misc]
                if sent % (DATAGRAMS // 4) == 0:
                    await goes_on(resident, clerk, b"after %d" % sent)
        assert {n.change for n in running.news.told} == {"connected"}


@pytest.mark.parametrize("hot", [True, False], ids=["compiled", "plain"])
async def test_datagrams_too_long_for_any_packet_are_counted_and_the_call_goes_on(
    hot: bool,
) -> None:
    async with light_exchange(hot=hot) as running:
        resident, clerk = await a_call(running)
        await goes_on(resident, clerk, b"before")
        assert resident.wire is not None
        with closing(Stranger(running.node)) as stranger:
            for wire in (stranger, resident.wire):
                for size in (2_048, 2_049, 9_000, 65_000):
                    wire.send(b"\x80\x60" + bytes(size - 2))
        await goes_on(resident, clerk, b"after")
        await until(lambda: dropped(running) == 7)
        counted = running.node.status()["refused"]
        assert isinstance(counted, dict)
        assert (counted["oversized"], counted["stranger"]) == (6, 1)


async def test_addresses_of_strangers_take_no_memory() -> None:
    async with light_exchange() as running:
        admission = running.node._admission
        before = len(admission._by_remote)
        for number in range(200):
            with closing(Stranger(running.node)) as stranger:
                stranger.send(sealed_rubbish(number))
        await until(lambda: dropped(running) == 200)
        assert len(admission._by_remote) == before


async def test_a_party_from_a_thousand_addresses_takes_bounded_memory_and_is_heard() -> None:
    """A NAT that gives each packet another port, or a party that means harm."""
    async with light_exchange() as running:
        resident, clerk = await a_call(running)
        check = bytes(binding_request(*credentials(resident.offer)))
        for _ in range(5 * MAX_ADDRESSES):
            with closing(Stranger(running.node)) as elsewhere:
                elsewhere.send(check)
                await elsewhere.reply()
        assert len(running.node._admission._by_remote) <= MAX_ADDRESSES + 1
        assert resident.wire is not None
        resident.wire.close()
        resident.wire = UdpWire("127.0.0.1", running.node.port, resident.receive)
        await resident.echo()
        await goes_on(resident, clerk, b"from a new port")


async def test_handshakes_of_a_party_that_never_ends_them_are_bounded() -> None:
    async with light_exchange() as running:
        resident, clerk = await a_call(running)
        half = running.warm()
        half.wire = UdpWire("127.0.0.1", running.node.port, half.receive)
        await half.echo()
        for number in range(2_000):
            half.wire.send(b"\x16\xfe\xfd" + random.Random(number).randbytes(40))
            if number % TURN == 0:
                await goes_on(resident, clerk, b"meanwhile %d" % number)
        assert not half.transport.ready


# A party that sends too much


async def test_a_party_beyond_its_budget_is_cut_and_the_other_call_goes_on() -> None:
    async with light_exchange() as running:
        resident, clerk = await a_call(running)
        flooder = await running.join("resident", call=CallId("call-8"))
        victim = await running.join("clerk", call=CallId("call-8"))
        body = os.urandom(1_100)
        packets = 3 * MOST_BYTES_A_SECOND // 1_100
        for sequence in range(packets):
            flooder.show(sequence & 0xFFFF, body)
            if sequence % TURN == 0:
                await asyncio.sleep(0)
        await goes_on(resident, clerk, b"undisturbed")
        found = running.node.status()["connections"]
        assert isinstance(found, list)
        flooded = [c["flooded"] for c in found]
        assert flooded[2] > 0
        assert flooded[:2] == [0, 0]
        passed = sum(len(packet) for packet in victim.packets)
        assert passed < 2 * MOST_BYTES_A_SECOND


async def test_a_flood_of_reports_is_cut_as_well_and_does_not_reach_the_far_party() -> None:
    async with light_exchange() as running:
        resident, clerk = await a_call(running)
        compound = rtcp.nack(clerk.hears(0, "camera"), list(range(0, 5_000, 17)))
        clerk.show(1)
        await resident.until(lambda: resident.packets)
        request = rtcp.nack(resident.hears(0, "camera"), list(range(0, 5_000, 17)))
        for number in range(3 * MOST_BYTES_A_SECOND // len(request)):
            resident.tell(request, compound)
            if number % TURN == 0:
                await asyncio.sleep(0)
        await until(lambda: counts(running, "resident").flooded > 0)
        assert sum(len(told) for told in clerk.compounds) < 2 * MOST_BYTES_A_SECOND


async def test_a_party_that_has_been_cut_may_send_again_later() -> None:
    async with light_exchange() as running:
        resident, clerk = await a_call(running)
        for sequence in range(2 * MOST_BYTES_A_SECOND // 1_100):
            resident.show(sequence & 0xFFFF, bytes(1_100))
            if sequence % TURN == 0:
                await asyncio.sleep(0)
        await until(lambda: counts(running, "resident").flooded > 0)

        numbers = itertools.count()

        def again() -> bool:
            resident.speak(next(numbers), b"again")
            return b"again" in clerk.bodies()

        await until(again)


# What a party must not send


async def test_media_nobody_announced_and_codecs_nobody_offered_reach_nobody() -> None:
    async with light_exchange() as running:
        resident, clerk = await a_call(running)
        for sequence in range(500):
            resident.send(rtp(sequence, ssrc=4_711))
            resident.send(rtp(sequence, ssrc=resident.ssrc("camera"), payload_type=OPUS))
            resident.send(rtp(1_000 + sequence, ssrc=resident.ssrc("camera"), payload_type=127))
        await goes_on(resident, clerk, b"real")
        assert len(clerk.packets) == 1
        found = counts(running, "resident")
        assert (found.unknown_ssrc, found.unknown_payload_type) == (500, 1_000)


async def test_two_parties_may_send_under_one_ssrc() -> None:
    """Each knows only its own; what the others hear has SSRCs of the node."""
    async with light_exchange() as running:
        parties = [running.warm(slots=2) for _ in range(3)]
        for party, name in zip(parties, ("resident", "clerk", "steward"), strict=True):
            party.number = 7
            running.node.join(party.connection, CallId("call-7"), name, None)
            await running.connect(party)
        for number, party in enumerate(parties):
            party.speak(1, b"party %d" % number)
        for number, party in enumerate(parties):
            others = {b"party %d" % n for n in range(3)} - {b"party %d" % number}
            await party.until(
                lambda party=party, others=others: others <= party.bodies()  # type: ignore[misc]
            )
            assert len({packet[8:12] for packet in party.packets}) == 2


async def test_one_ssrc_for_two_tracks_is_refused() -> None:
    async with light_exchange() as running:
        party = running.warm()
        double = party.answer().replace(str(party.ssrc("screen")), str(party.ssrc("camera")))
        with pytest.raises(ValueError, match="stands for two tracks"):
            running.node.answer(party.connection, double)


async def test_a_packet_that_comes_twice_is_passed_once() -> None:
    async with light_exchange() as running:
        resident, clerk = await a_call(running)
        assert resident.wire is not None
        sealed = resident.transport.protect(
            rtp(1, b"once", ssrc=resident.ssrc("camera"), payload_type=VIDEO["VP8"])
        )
        for _ in range(10):
            resident.wire.send(sealed)
        await goes_on(resident, clerk, b"after")
        assert [packet[12:] for packet in clerk.packets] == [b"once", b"after"]
        assert counts(running, "resident").refused == 9
