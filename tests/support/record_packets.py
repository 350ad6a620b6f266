"""Records what the real Chromium sends, as plain RTP: the corpora of `tests/media/packets/`.

    python -m tests.support.record_packets [codec ...]

One page, one peer connection for each codec, whose peer is a few lines around
`media.node.secure`; no sound, a drawn picture of 320x240, and a key frame asked for after 2 s.
A corpus is the packets in the order of their arrival, each after its length (16 bits).
"""

import asyncio
import re
import secrets
import struct
import sys
from pathlib import Path

from playwright.async_api import async_playwright

from deploy.bench import chromium
from media.node import stun
from media.node.secure import Certificate, SecureTransport, SrtpError
from media.node.socket import Address, UdpSocket

FOLDER = Path(__file__).parent.parent / "media" / "packets"
SECONDS = 4.0
DEADLINE_S = 20.0
VIDEO, REPAIR, OURS = 96, 97, 4711
FORMATS = {
    "VP8": "",
    "VP9": "profile-id=0",
    "H264": "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
    "AV1": "level-idx=5;profile=0;tier=0",
}

SEND = """async (offer) => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [320, 240];
    const pen = canvas.getContext("2d");
    let drawn = 0;
    setInterval(() => {
        pen.fillStyle = `hsl(${drawn * 3} 60% 50%)`;
        pen.fillRect(0, 0, 320, 240);
        for (let n = 0; n < 40; n += 1) {
            pen.fillStyle = `hsl(${n * 9 + drawn} 80% 40%)`;
            pen.fillRect((n * 53 + drawn * (1 + n % 5)) % 320, (n * 31 + drawn) % 240, 30, 20);
        }
        drawn += 1;
    }, 66);
    const peer = new RTCPeerConnection();
    await peer.setRemoteDescription({type: "offer", sdp: offer});
    const [track] = canvas.captureStream(15).getVideoTracks();
    const [transceiver] = peer.getTransceivers();
    await transceiver.sender.replaceTrack(track);
    transceiver.direction = "sendonly";
    await peer.setLocalDescription(await peer.createAnswer());
    const parameters = transceiver.sender.getParameters();
    parameters.encodings[0].maxBitrate = 220_000;
    parameters.degradationPreference = "maintain-resolution";
    await transceiver.sender.setParameters(parameters);
    window.peer = peer;
    return peer.localDescription.sdp;
}"""


class Ear:
    """The peer of one page: answers ICE, shakes hands, keeps every plain RTP packet."""

    def __init__(self) -> None:
        self.certificate = Certificate()
        self.ufrag, self.password = secrets.token_hex(4), secrets.token_hex(16)
        self.packets: list[bytes] = []
        self.arrived = asyncio.Event()
        self.source = 0
        self._address: Address | None = None
        self._transport = SecureTransport(self.certificate.context(), self._send)
        self._socket = UdpSocket("127.0.0.1", 0, self._receive)

    def offer(self, codec: str) -> str:
        """An offer to receive one codec."""
        fmtp = [f"a=fmtp:{VIDEO} {FORMATS[codec]}"] if FORMATS[codec] else []
        lines = [
            "v=0",
            f"o=- {secrets.randbits(62)} 1 IN IP4 127.0.0.1",
            "s=-",
            "t=0 0",
            "a=group:BUNDLE 0",
            "a=ice-lite",
            f"m=video {self._socket.port} UDP/TLS/RTP/SAVPF {VIDEO} {REPAIR}",
            "c=IN IP4 127.0.0.1",
            f"a=ice-ufrag:{self.ufrag}",
            f"a=ice-pwd:{self.password}",
            f"a=fingerprint:sha-256 {self.certificate.fingerprint}",
            "a=setup:actpass",
            "a=mid:0",
            "a=recvonly",
            "a=rtcp-mux",
            f"a=rtpmap:{VIDEO} {codec}/90000",
            *fmtp,
            f"a=rtcp-fb:{VIDEO} nack",
            f"a=rtcp-fb:{VIDEO} nack pli",
            f"a=rtpmap:{REPAIR} rtx/90000",
            f"a=fmtp:{REPAIR} apt={VIDEO}",
            f"a=candidate:1 1 udp 2130706431 127.0.0.1 {self._socket.port} typ host",
            "a=end-of-candidates",
        ]
        return "\r\n".join(lines) + "\r\n"

    def expect(self, answer: str) -> None:
        """Learn from the answer who may come."""
        found = re.search(r"a=fingerprint:sha-256 (\S+)", answer)
        assert found is not None, answer
        self._transport.expect(found[1])

    def ask_key_frame(self) -> None:
        """Send a picture loss indication (RFC 4585 section 6.3.1)."""
        assert self._address is not None
        control = struct.pack("!BBHI", 0x80, 201, 1, OURS)
        control += struct.pack("!BBHII", 0x81, 206, 2, OURS, self.source)
        self._socket.send(self._transport.protect_rtcp(control), self._address)

    def close(self) -> None:
        self._transport.close()
        self._socket.close()

    def _send(self, datagram: bytes) -> None:
        assert self._address is not None
        self._socket.send(datagram, self._address)

    def _receive(self, datagram: bytes, address: Address) -> None:
        if datagram[0] < 4:
            request = stun.parse_binding_request(datagram)
            if request is not None and request.is_signed_with(self.password):
                self._address = self._address or address
                self._socket.send(stun.binding_response(request, address, self.password), address)
        elif 20 <= datagram[0] < 64 and self._address is not None:
            self._transport.receive(datagram)
        elif self._transport.ready and not 192 <= datagram[1] <= 223:
            try:
                packet = self._transport.unprotect(datagram)
            except SrtpError:
                return
            if packet[1] & 0x7F == VIDEO:
                self.source = int.from_bytes(packet[8:12], "big")
            self.packets.append(packet)
            self.arrived.set()


async def record(codec: str) -> list[bytes]:
    """What Chromium sends of this codec in `SECONDS`."""
    ear = Ear()
    try:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=chromium.PATH, args=chromium.ARGUMENTS
            )
            page = await browser.new_page()
            ear.expect(await page.evaluate(SEND, ear.offer(codec)))
            async with asyncio.timeout(DEADLINE_S):
                await ear.arrived.wait()
            await asyncio.sleep(SECONDS / 2)
            ear.ask_key_frame()
            await asyncio.sleep(SECONDS / 2)
            await browser.close()
    finally:
        ear.close()
    return ear.packets


async def main(codecs: list[str]) -> None:
    FOLDER.mkdir(exist_ok=True)
    for codec in codecs:
        packets = await record(codec)
        corpus = b"".join(len(packet).to_bytes(2, "big") + packet for packet in packets)
        (FOLDER / f"{codec.lower()}.rtp").write_bytes(corpus)
        print(f"{codec}: {len(packets)} packets, {len(corpus)} bytes")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:] or list(FORMATS)))
