"""What may be given arbitrary bytes? One function for each reader; it may not raise or run away.

Where a reader sees several packets in turn, they lie in one input, each led by two bytes: its
length in the low 11 bits, "is a repair" in the highest, and between them how many quarters of a
second it comes after the one before.
"""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from media.node import feedback, rtcp, stun
from media.node.call import Call, CallId
from media.node.connection import Connection
from media.node.relay import Leg, Source
from media.node.sdp import Announced, BadAnswer, SlotSsrcs, read_answer
from media.node.secure import Certificate
from media.records.assembly import assembler
from media.records.assembly.frame import MOST_FRAME_BYTES, MOST_PRIVATE_BYTES
from media.records.sequence import Sequencer, read_red, read_rtp, repaired

CORPUS = Path(__file__).parent / "corpus"
PASSWORD = "0123456789abcdef0123456789abcdef"
MOST_BYTES = 24_576
CODECS = ("VP8", "VP9", "H264", "AV1")
SLOT = SlotSsrcs(audio=11, camera=12, camera_repair=13, screen=14, screen_repair=15)
AUDIO, CAMERA, CAMERA_REPAIR, SCREEN = 1001, 1002, 1003, 1004
_CONTEXT = Certificate().context()


def packets(data: bytes) -> Iterator[tuple[bytes, bool, float]]:
    """Each packet of an input, whether it is a repair, and seconds since the one before."""
    at = 0
    while at + 2 <= len(data):
        head = int.from_bytes(data[at : at + 2], "big")
        end = at + 2 + (head & 0x7FF)
        yield data[at + 2 : end], bool(head >> 15), (head >> 11 & 0xF) / 4
        at = end


def stun_request(data: bytes) -> None:
    """A datagram that may be a binding request."""
    request = stun.parse_binding_request(data)
    if request is None:
        return
    assert len(data) <= stun.MAX_REQUEST_BYTES
    request.is_signed_with(PASSWORD)
    for address in (("192.0.2.1", 65_535), ("2001:db8::1", 1), ("::ffff:192.0.2.1", 9)):
        reply = stun.binding_response(request, address, PASSWORD)
        assert reply is None or len(reply) <= len(data)


def announced() -> dict[int, Announced]:
    """A party that sends sound, a camera with its repairs, and a screen."""
    return {
        AUDIO: Announced("audio", repair=False),
        CAMERA: Announced("camera", repair=False),
        CAMERA_REPAIR: Announced("camera", repair=True),
        SCREEN: Announced("screen", repair=False),
    }


def rtp_packets(data: bytes, *, managed: bool, reads_red: bool) -> None:
    """Packets of a party on their way to another, who reads RED or not."""
    sent: list[bytes] = []
    leg = Leg([SLOT], sent.append)
    leg.reads_red = reads_red
    source = Source(announced(), None)
    source.managed = managed
    if managed:
        leg.manage()
    for incoming in source.incoming.values():
        stream = leg.slots[0][incoming.track]
        stream.source = incoming
        incoming.streams = () if incoming.is_repair else (stream,)
    now, given = 100.0, 0
    for packet, _, elapsed_s in packets(data):
        now, given = now + elapsed_s, given + 1
        source.packet(packet, now)
        for incoming in source.incoming.values():
            incoming.reception.lost(now)
            incoming.reception.report(now)
        source.arrivals.feedback(CAMERA)
    assert source.counts.received == given
    assert len(sent) == source.counts.forwarded <= given
    ours = {ssrc.to_bytes(4, "big") for ssrc in (11, 12, 13, 14, 15)}
    assert all(packet[8:12] in ours for packet in sent)


def rtp(data: bytes) -> None:
    """Both kinds of call."""
    for managed in (False, True):
        for reads_red in (False, True):
            rtp_packets(data, managed=managed, reads_red=reads_red)


def rtcp_compounds(data: bytes, *, managed: bool) -> None:
    """Compounds of a party that sends and receives, in a call of two."""
    call = Call(CallId("call-7"), managed=managed)
    parties = [Connection(_CONTEXT, 1, hot=False) for _ in range(2)]
    for party, connection in zip(("clerk", "resident"), parties, strict=True):
        connection.slots = [SLOT]
        connection.leg = Leg([SLOT], lambda packet: None)
        connection.leg.send_report = connection.leg.send
        connection.source = Source(announced(), None)
        connection.call, connection.party = call, party
        call.admit(connection, party)
        call.playing[party] = connection
    call.wire(0.0)
    now = 100.0
    for compound, _, elapsed_s in packets(data):
        now += elapsed_s
        try:
            feedback.take(parties[0], compound, now)
        except rtcp.Malformed:
            continue
        feedback.adapt(parties[0], now)
        feedback.tell(parties[1], now)


def rtcp_both(data: bytes) -> None:
    """Both kinds of call."""
    rtcp_compounds(data, managed=False)
    rtcp_compounds(data, managed=True)


def sdp_answer(data: bytes) -> None:
    """An answer to offers with one slot and with five."""
    text = data.decode("utf-8", "replace")
    for slots in (1, 5):
        try:
            answer = read_answer(text, slots)
        except BadAnswer:
            continue
        assert len(answer.fingerprint) == 95
        assert all(0 <= ssrc < 1 << 32 for ssrc in answer.ssrcs)


def frames(data: bytes, *, codec: str) -> None:
    """Packets of a picture on their way into a file."""
    sequencer, makes = Sequencer(), assembler(codec)
    now = 100.0
    for packet, is_repair, elapsed_s in [*packets(data), (b"", False, 60.0)]:
        now += elapsed_s
        found = read_rtp(packet, now) if len(packet) >= 12 else None
        if found is not None:
            read_red(found)
            found = repaired(found) if is_repair else found
        if found is not None:
            sequencer.push(found)
        for due, timestamp, gap in sequencer.pop(now):
            frame = makes.push(due, timestamp, gap)
            assert frame is None or 0 < len(frame.payload) <= MOST_FRAME_BYTES
            assert len(makes.private) <= MOST_PRIVATE_BYTES


TARGETS: dict[str, Callable[[bytes], None]] = {
    "stun": stun_request,
    "rtp": rtp,
    "rtcp": rtcp_both,
    "sdp": sdp_answer,
    **{codec.lower(): partial(frames, codec=codec) for codec in CODECS},
}
