"""Two real peers meet over a node; nobody else can disturb them."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aioice import stun
from hypothesis import given, settings
from hypothesis import strategies as st

from media.node.codecs import Track
from media.node.node import AnswerTwice, ConnectionId, Node, UnknownConnection
from media.node.rtcp import SenderReport
from media.node.sdp import BadAnswer
from media.node.secure import Certificate, HandshakeError, SecureTransport
from media.records import manifest as manifests
from media.records import webm
from media.records.manifest import Manifest
from media.records.recorder import PartyTap, Recorder, RecordingState, Visit
from media.records.store import Store
from tests.media.disks import disk_full
from tests.media.encoded import packets_of
from tests.media.peers import (
    CALL,
    Exchange,
    Newspaper,
    Stranger,
    binding_request,
    credentials,
    exchange,
    until,
)

WRONG_FINGERPRINT = ":".join(["AB"] * 32)


class Copies:
    """A tap that counts."""

    def __init__(self) -> None:
        self.taken: Counter[Track] = Counter()
        self.reported: Counter[Track] = Counter()

    def packet(self, track: Track, packet: bytes, arrived_monotonic_s: float) -> None:
        self.taken[track] += 1

    def report(self, track: Track, report: SenderReport, arrived_monotonic_s: float) -> None:
        self.reported[track] += 1


def with_wrong_certificate(answer: str) -> str:
    lines = answer.split("\r\n")
    prefix = "a=fingerprint:sha-256 "
    return "\r\n".join(
        prefix + WRONG_FINGERPRINT if line.startswith(prefix) else line for line in lines
    )


def client_hello() -> bytes:
    """The first flight of a DTLS client."""
    sent: list[bytes] = []
    SecureTransport(Certificate().context(), sent.append, server=False).start()
    return sent[0]


def refused(node: Node) -> dict[str, int]:
    counts = node.status()["refused"]
    assert isinstance(counts, dict)
    return counts


# A call


async def test_two_parties_hear_and_see_each_other_and_both_are_tapped() -> None:
    async with exchange() as running:
        resident_copies, clerk_copies = Copies(), Copies()
        resident = await running.join("resident", resident_copies)
        clerk = await running.join("clerk", clerk_copies)
        await asyncio.gather(resident.receives(), clerk.receives())
        for copies in (resident_copies, clerk_copies):
            assert copies.taken["audio"] > 0
            assert copies.taken["camera"] > 0
            await until(lambda copies=copies: copies.reported["camera"] > 0)  # type: ignore[misc]
        status = running.node.status()
        assert status["calls"] == 1
        assert [c["connected"] for c in status["connections"]] == [True, True]  # type: ignore[attr-defined]
        assert all(c["forwarded"] > 0 for c in status["connections"])  # type: ignore[attr-defined]


async def test_a_party_receives_under_the_ssrcs_of_its_offer() -> None:
    async with exchange() as running:
        await running.join("resident")
        clerk = await running.join("clerk")
        await clerk.receives()
        for kind, ssrc in (await clerk.received_ssrcs()).items():
            section = clerk.invitation.offer.split(f"m={kind} ")[1].split("m=")[0]
            assert f"a=ssrc:{ssrc} cname:far-0\r\n" in section


async def test_closing_a_call_is_told_and_leaves_nothing() -> None:
    async with exchange() as running:
        resident = await running.join("resident")
        running.node.close(CALL)
        assert running.news.has(resident.connection, "closed")
        assert running.node.status()["calls"] == 0
        assert running.node.status()["connections"] == []
        running.node.close(CALL)
        running.node.leave(resident.connection)


async def test_a_party_that_comes_back_takes_over_and_the_others_stream_goes_on() -> None:
    async with exchange() as running:
        resident = await running.join("resident")
        clerk = await running.join("clerk")
        await asyncio.gather(resident.receives(), clerk.receives())
        before = await resident.received_ssrcs()

        again = await running.invite("clerk")
        await resident.receives()  # make before break: the old one plays on
        assert not running.news.has(clerk.connection, "closed")

        running.node.answer(again.connection, again.answer)
        await running.news.wait_for(again.connection, "connected")
        assert running.news.has(clerk.connection, "closed")
        await asyncio.gather(resident.receives(), again.receives())
        assert await resident.received_ssrcs() == before
        assert not running.news.has(resident.connection, "closed")


async def test_a_second_invitation_before_the_first_connected_closes_the_first() -> None:
    async with exchange() as running:
        first, second = running.node.invite(), running.node.invite()
        running.node.join(first.connection, CALL, "clerk", None)
        assert not running.news.has(first.connection, "closed")
        running.node.join(second.connection, CALL, "clerk", None)
        assert running.news.has(first.connection, "closed")
        assert not running.news.has(second.connection, "closed")


# Answers


async def test_an_answer_to_an_unknown_connection_is_refused() -> None:
    async with exchange() as running:
        with pytest.raises(UnknownConnection):
            running.node.answer(ConnectionId("0123"), "v=0")


async def test_a_second_answer_is_refused_and_the_call_goes_on() -> None:
    async with exchange() as running:
        resident = await running.join("resident")
        clerk = await running.join("clerk")
        with pytest.raises(AnswerTwice):
            running.node.answer(clerk.connection, clerk.answer)
        await asyncio.gather(resident.receives(), clerk.receives())


async def test_after_a_bad_answer_a_good_one_is_taken() -> None:
    async with exchange() as running:
        party = await running.invite("clerk")
        with pytest.raises(BadAnswer):
            running.node.answer(party.connection, party.invitation.offer)
        running.node.answer(party.connection, party.answer)
        await running.news.wait_for(party.connection, "connected")


async def test_a_certificate_that_was_not_announced_closes_the_connection() -> None:
    async with exchange() as running:
        party = await running.invite("clerk")
        running.node.answer(party.connection, with_wrong_certificate(party.answer))
        await running.news.wait_for(party.connection, "closed")
        assert not running.news.has(party.connection, "connected")


async def test_an_answer_that_comes_after_another_certificate_is_refused() -> None:
    async with exchange() as running:
        party = await running.invite("clerk")
        await until(lambda: party.peer.connectionState == "connected")
        with pytest.raises(HandshakeError):
            running.node.answer(party.connection, with_wrong_certificate(party.answer))
        assert running.news.has(party.connection, "closed")
        with pytest.raises(UnknownConnection):
            running.node.answer(party.connection, party.answer)


# Strangers


async def test_an_authenticated_binding_is_answered_with_the_address_it_came_from() -> None:
    async with exchange() as running:
        username, password = credentials(running.node.invite().offer)
        with closing(Stranger(running.node)) as browser:
            browser.send(bytes(binding_request(username, password)))
            response = stun.parse_message(await browser.reply())
            assert response.attributes["XOR-MAPPED-ADDRESS"] == browser.address
            assert response.check_message_integrity(password.encode())


async def test_a_wrong_password_or_name_gets_no_reply() -> None:
    async with exchange() as running:
        username, password = credentials(running.node.invite().offer)
        with closing(Stranger(running.node)) as stranger:
            stranger.send(bytes(binding_request(username, "f" * 32)))
            stranger.send(bytes(binding_request("nobody", password)))
            await first_reply_is_to_a_good_request(stranger, username, password)
        counts = refused(running.node)
        assert (counts["stun_forged"], counts["stun_unknown"], counts["answered"]) == (1, 1, 1)


async def test_dtls_gets_no_reply_before_an_authenticated_binding() -> None:
    async with exchange() as running:
        username, password = credentials(running.node.invite().offer)
        with closing(Stranger(running.node)) as stranger:
            stranger.send(client_hello())
            stranger.send(bytes(binding_request(username, "f" * 32)))
            stranger.send(client_hello())
            await first_reply_is_to_a_good_request(stranger, username, password)
            assert refused(running.node)["stranger"] == 2
            stranger.send(client_hello())
            assert (await stranger.reply())[0] == 22  # a DTLS handshake record


async def test_an_address_of_one_party_does_not_speak_for_another() -> None:
    async with exchange() as running:
        first = running.node.invite()
        running.node.invite()
        username, password = credentials(first.offer)
        with closing(Stranger(running.node)) as clerk, closing(Stranger(running.node)) as other:
            clerk.send(bytes(binding_request(username, password)))
            await clerk.reply()
            other.send(client_hello())
            await until(lambda: refused(running.node)["stranger"] == 1)


async def first_reply_is_to_a_good_request(
    stranger: Stranger, username: str, password: str
) -> None:
    """The node answers in order: what was sent before this got no reply."""
    good = binding_request(username, password)
    stranger.send(bytes(good))
    assert stun.parse_message(await stranger.reply()).transaction_id == good.transaction_id


def garbage(seed: int) -> bytes:
    """A datagram that looks like STUN, DTLS, RTP, RTCP or nothing, and is random behind that."""
    rng = random.Random(seed)
    body = rng.randbytes(rng.randrange(0, 1_400))
    attributes = rng.choice((b"\x00\x24\x00\x03abc\x00", b"\x80\x28\x00\x00", b"", body[:200]))
    stun_like = b"\x00\x01" + len(attributes).to_bytes(2, "big") + b"\x21\x12\xa4\x42"
    return rng.choice(
        (
            stun_like + rng.randbytes(12) + attributes,
            b"\x16\xfe\xfd" + body,
            b"\x80\x60" + body,
            b"\x80\xc8" + body,
            bytes((rng.randrange(256),)) + body,
        )
    )


async def test_a_thousand_garbage_datagrams_are_counted_and_the_call_goes_on() -> None:
    async with exchange() as running:
        resident = await running.join("resident")
        clerk = await running.join("clerk")
        await asyncio.gather(resident.receives(), clerk.receives())

        def dropped() -> int:
            return sum(n for reason, n in refused(running.node).items() if reason != "answered")

        before = dropped()
        with closing(Stranger(running.node)) as stranger:
            for number in range(1_000):
                stranger.send(garbage(number))
                if number % 50 == 49:  # what a small receive buffer holds
                    await until(lambda sent=number + 1: dropped() - before == sent)  # type: ignore[misc]
        await asyncio.gather(resident.receives(), clerk.receives())
        assert {n.change for n in running.news.told} == {"connected"}


async def test_garbage_from_a_partys_own_address_is_counted_and_never_raises() -> None:
    async with exchange() as running:
        invitation = running.node.invite()
        username, password = credentials(invitation.offer)
        with closing(Stranger(running.node)) as browser:
            browser.send(bytes(binding_request(username, password)))
            await browser.reply()
            for number in range(200):
                browser.send(garbage(number))
                if number % 50 == 49:
                    good = binding_request(username, password)
                    browser.send(bytes(good))
                    await until_answered(browser, good)


async def until_answered(browser: Stranger, request: stun.Message) -> None:
    """Read replies (DTLS may answer alerts) until the one to this request."""
    while True:
        reply = await browser.reply()
        if reply[0] < 4 and stun.parse_message(reply).transaction_id == request.transaction_id:
            return


@settings(max_examples=50)
@given(st.lists(st.binary(min_size=1, max_size=100), max_size=10))
def test_sealed_rubbish_is_refused_by_an_unfinished_transport(datagrams: list[bytes]) -> None:
    """Only HandshakeError ends a handshake."""
    transport = SecureTransport(Certificate().context(), lambda datagram: None)
    try:
        for datagram in datagrams:
            transport.receive(datagram)
    except HandshakeError:
        return
    assert not transport.ready
    transport.close()


# Recording

VISIT = Visit("visit-7", CALL, "lanzhou", datetime(2026, 11, 23, 8, 30, tzinfo=UTC))


@asynccontextmanager
async def recording(
    root: Path, told: list[RecordingState]
) -> AsyncIterator[tuple[Exchange, Recorder, PartyTap]]:
    """A node, a recorder, and the resident's tap, which asks the node for key frames."""
    recordings = Recorder(Store(root), lambda _call, state: told.append(state))
    await recordings.start()
    try:
        async with exchange() as running:
            node = running.node
            tap = recordings.open(
                VISIT, "resident", lambda track: node.request_key_frame(CALL, "resident", track)
            )
            yield running, recordings, tap
    finally:
        await recordings.stop()


def manifest_of(root: Path) -> Manifest:
    return manifests.read(Store(root).folder(VISIT.city, VISIT.id, VISIT.taken_at))


async def test_a_call_is_recorded_without_being_decoded(tmp_path: Path) -> None:
    told: list[RecordingState] = []
    async with recording(tmp_path, told) as (running, recordings, tap):
        resident = await running.join("resident", tap)
        clerk = await running.join("clerk")
        await asyncio.gather(resident.receives(10), clerk.receives(10))
        recordings.close(tap)
        await recordings.settled()
    (segment,) = manifest_of(tmp_path).segments
    assert (segment.state, segment.width, segment.height) == ("complete", 320, 240)
    assert (segment.video_codec, segment.lost_packets) == ("VP8", 0)
    (path,) = tmp_path.rglob("resident-001.webm")
    pictures, sounds = packets_of(path.read_bytes())
    assert (len(pictures), len(sounds)) == (segment.video_frames, segment.audio_frames)
    assert len(pictures) >= 10
    assert webm.scan(path.read_bytes()).finished
    assert told == ["recording"]  # nothing went wrong


async def test_a_full_disk_does_not_disturb_the_call_and_is_stated(tmp_path: Path) -> None:
    told: list[RecordingState] = []
    async with recording(tmp_path, told) as (running, recordings, tap):
        resident = await running.join("resident", tap)
        clerk = await running.join("clerk")
        await until(lambda: recordings.running == 1)
        (path,) = tmp_path.rglob("resident-001.webm")
        disk_full(path)
        await until(lambda: tap.state == "failed")
        await asyncio.gather(resident.receives(), clerk.receives())
        recordings.close(tap)
        await recordings.settled()
        await asyncio.gather(resident.receives(), clerk.receives())
    segment = manifest_of(tmp_path).segments[0]
    assert (segment.state, segment.failure) == ("failed", "No space left on device")
    assert told == ["recording", "failed"]


# The port


async def test_a_taken_port_is_said_and_a_stopped_node_frees_it() -> None:
    first = Node(host="127.0.0.1", port=0, announce=["127.0.0.1"], listener=Newspaper())
    await first.start()
    port = first.port
    second = Node(host="127.0.0.1", port=port, announce=["127.0.0.1"], listener=Newspaper())
    with pytest.raises(OSError, match="in use"):
        await second.start()
    await first.stop()
    await second.start()
    assert second.port == port
    await second.stop()
