"""From what does fuzzing begin? What real ends send: `python -m tests.media.fuzz.seeds` makes it.

STUN is aioice's, RTCP the node's own and aiortc's, RTP and SDP answers Chromium's. What was found
by fuzzing lies beside it and stays.
"""

import asyncio
import struct
from collections.abc import Iterable

from aiortc.rtp import RtcpReceiverInfo, RtcpRrPacket, RtcpSenderInfo, RtcpSrPacket
from playwright.async_api import async_playwright

from deploy.bench import chromium
from media.node import rtcp
from media.node.codecs import CODECS, VIDEO
from media.node.congestion import Arrivals
from media.node.sdp import SlotSsrcs, write_offer
from tests.media.assembly.track import corpus
from tests.media.fuzz.targets import AUDIO, CAMERA, CORPUS, PASSWORD, SCREEN, SLOT
from tests.media.peers import binding_request
from tests.media.rtp import opus, red, rtp, rtx

FIRST_PACKETS = 5
ANSWER = """async ([offer, sends]) => {
    const peer = new RTCPeerConnection();
    await peer.setRemoteDescription({type: "offer", sdp: offer});
    const canvas = document.createElement("canvas");
    canvas.getContext("2d");
    if (sends) {
        const sound = new AudioContext().createMediaStreamDestination().stream;
        const [audio, camera, screen] = peer.getTransceivers();
        await audio.sender.replaceTrack(sound.getAudioTracks()[0]);
        for (const {sender} of [camera, screen])
            await sender.replaceTrack(canvas.captureStream(5).getVideoTracks()[0]);
        for (const one of [audio, camera, screen]) one.direction = "sendrecv";
    }
    return (await peer.createAnswer()).sdp;
}"""


def joined(packets: Iterable[bytes], *, repair: bool = False, quarters: int = 0) -> bytes:
    """One input of several packets, as `targets.packets` reads it."""
    lead = repair << 15 | quarters << 11
    return b"".join((lead | len(packet)).to_bytes(2, "big") + packet for packet in packets)


def stun() -> dict[str, bytes]:
    request = bytes(binding_request("abcd1234", PASSWORD))
    bare = request[:2] + (len(request) - 28).to_bytes(2, "big") + request[4:-8]
    return {
        "nominating": request,
        "without-fingerprint": bare,
        "without-attributes": bytes.fromhex("000100002112a442") + bytes(12),
    }


def packets() -> dict[str, bytes]:
    camera = [p[:8] + CAMERA.to_bytes(4, "big") + p[12:] for p in corpus("VP8")[:FIRST_PACKETS]]
    repairs = [rtx(n, int.from_bytes(p[2:4], "big"), p[12:80]) for n, p in enumerate(camera)]
    number = b"\x31\x00\x07\x00"  # transport-wide
    return {
        "opus-wraps-around": joined(opus(n & 0xFFFF) for n in range(65_534, 65_540)),
        "red": joined(red(n, [b"one", b"two"], b"now", timestamp=2880 * n) for n in range(3)),
        "chromium-vp8": joined(camera),
        "repairs": joined(camera[:2]) + joined(repairs, repair=True, quarters=2),
        "extensions": joined(rtp(n, extension=number, csrcs=n, padding=3 * n) for n in range(4)),
        "screen": joined(rtp(n, ssrc=SCREEN) for n in (1, 2, 5)),
    }


def reports() -> dict[str, bytes]:
    block = RtcpReceiverInfo(SLOT.camera, 25, 3, 70_000, 12, 0x12345678, 655)
    counts = RtcpSenderInfo(
        ntp_timestamp=1 << 60, rtp_timestamp=900, packet_count=9, octet_count=99
    )
    sender = bytes(RtcpSrPacket(ssrc=CAMERA, sender_info=counts, reports=[block]))
    arrivals = Arrivals()
    for at in (0, 1, 3, 4, 9):
        arrivals.add(at, 100 + at / 50)
    lone = arrivals.feedback(SLOT.camera) or b""
    fir = struct.pack("!BBHIIIB3x", 0x80 | rtcp.FIR, rtcp.PAYLOAD_FEEDBACK, 4, 1, 0, SLOT.camera, 1)
    return {
        "sender-report": joined([sender, rtcp.sender_report(AUDIO, 1 << 60, 48_000)]),
        "receiver-report": joined([bytes(RtcpRrPacket(ssrc=1, reports=[block, block]))]),
        "nack": joined([rtcp.nack(SLOT.camera, [1, 2, 5, 40, 65_535])], quarters=1),
        "key-frames": joined([rtcp.picture_loss_indication(1, SLOT.camera), fir]),
        "bitrate-limit": joined([rtcp.bitrate_limit(300_000, [SLOT.camera, SLOT.screen])]),
        "transport-feedback": joined([rtcp.receiver_report([]) + lone], quarters=2),
        "compound": joined([sender + rtcp.nack(SLOT.camera, [7]) + lone], quarters=3),
    }


async def answers() -> dict[str, bytes]:
    found = {}
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium.PATH, args=list(chromium.ARGUMENTS)
        )
        page = await browser.new_page()
        for slots, sends in ((1, True), (1, False), (5, True)):
            offer = write_offer(
                session_id=1,
                version=1,
                ufrag="abcd1234",
                password=PASSWORD,
                fingerprint=":".join(["AB"] * 32),
                addresses=[("127.0.0.1", 8443)],
                tcp=True,
                slots=[SlotSsrcs(*range(n, n + 5)) for n in range(11, 11 + 10 * slots, 10)],
                codecs=CODECS,
            )
            answer = await page.evaluate(ANSWER, [offer, sends])
            name = f"chromium-{slots}-slots{'' if sends else '-listens'}"
            found[name] = answer.encode()
        await browser.close()
    return found


def pictures(codec: str) -> dict[str, bytes]:
    """A key frame, delta frames, a loss and its repair."""
    all_of_it = corpus(codec)
    first, later = all_of_it[:FIRST_PACKETS], all_of_it[40 : 40 + FIRST_PACKETS]
    missing, kind = first[2], VIDEO[codec]  # type: ignore[index]
    repair = missing[:12] + missing[2:4] + missing[12:]
    return {
        "chromium-first": joined(first),
        "chromium-later": joined(later),
        "chromium-loss": joined(first[:2] + first[3:]) + joined([later[0]], quarters=5),
        "chromium-repaired": joined(first[:2]) + joined([repair], repair=True, quarters=1),
        "empty": joined([rtp(n, b"", payload_type=kind) for n in range(3)]),
    }


def main() -> None:
    seeds = {"stun": stun(), "rtp": packets(), "rtcp": reports(), "sdp": asyncio.run(answers())}
    seeds |= {codec.lower(): pictures(codec) for codec in CODECS}
    for target, inputs in seeds.items():
        (CORPUS / target).mkdir(parents=True, exist_ok=True)
        for name, data in inputs.items():
            (CORPUS / target / name).write_bytes(data)


if __name__ == "__main__":
    main()
