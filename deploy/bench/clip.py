"""What does a party of the measured call send? A clip of picture and sound, ready for RTP.

Encoded once with PyAV (libvpx, libopus) and kept in the system's temporary folder, so that the
load costs next to no CPU while a server is measured. Played in a loop: its first frame is the key
frame. Knows neither sockets nor SSRCs; `replay.py` sends it.
RFC 7741 (VP8), RFC 7587 (Opus).
"""

import hashlib
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
import msgspec
from av.audio.codeccontext import AudioCodecContext
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

from media.node.codecs import CLOCK_RATE_HZ

WIDTH, HEIGHT = 1280, 720
FRAMES_PER_S = 30
VIDEO_BITRATE_BPS, AUDIO_BITRATE_BPS = 1_000_000, 32_000
CLIP_S = 6
PAYLOAD_BYTES = 1100  # of VP8 in a packet, descriptor included
OPUS_S = Fraction(20, 1000)
_OPUS_SAMPLES = int(OPUS_S * CLOCK_RATE_HZ["audio"])
_TICKS_PER_FRAME = CLOCK_RATE_HZ["camera"] // FRAMES_PER_S


class ClipPacket(msgspec.Struct, frozen=True):
    """One RTP packet without its header.

    `at_s` is when it leaves, `timestamp` (in the medium's clock) what it carries, both since the
    clip began.
    """

    at_s: float
    kind: Literal["audio", "video"]
    marker: bool
    timestamp: int
    payload: bytes


class Clip(msgspec.Struct, frozen=True):
    """The packets of `seconds` of a call in the order they leave."""

    seconds: int
    packets: tuple[ClipPacket, ...]

    @property
    def bitrate_bps(self) -> float:
        """Bits of payload per second, picture and sound."""
        return 8 * sum(len(packet.payload) for packet in self.packets) / self.seconds


def clip() -> Clip:
    """The clip: 720p, 30 frames a second, about 1 Mbit/s, and Opus. Encodes it if need be."""
    # Named after this file's text: a clip that another version made is not played.
    made_by = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:16]
    kept = Path(tempfile.gettempdir()) / f"virtual-window-clip-{made_by}.msgpack"
    try:
        return msgspec.msgpack.decode(kept.read_bytes(), type=Clip)
    except (OSError, msgspec.MsgspecError):
        pass  # not made yet, or not by us
    made = _packetise(_encode_video(), _encode_audio())
    with tempfile.NamedTemporaryFile(dir=kept.parent, delete=False) as file:
        file.write(msgspec.msgpack.encode(made))
    Path(file.name).replace(kept)
    return made


def _encode_video() -> list[bytes]:
    """VP8 as a browser makes it: real time, no look-ahead, one key frame."""
    codec = av.CodecContext.create("libvpx", "w")
    assert isinstance(codec, VideoCodecContext)
    codec.width, codec.height, codec.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    codec.time_base, codec.framerate = Fraction(1, FRAMES_PER_S), Fraction(FRAMES_PER_S)
    codec.bit_rate, codec.gop_size = VIDEO_BITRATE_BPS, FRAMES_PER_S * CLIP_S
    codec.options = {
        "deadline": "realtime",
        "cpu-used": "8",
        "lag-in-frames": "0",
        "minrate": str(VIDEO_BITRATE_BPS),
        "maxrate": str(VIDEO_BITRATE_BPS),
        "bufsize": str(VIDEO_BITRATE_BPS),
    }
    source = f"testsrc2=size={WIDTH}x{HEIGHT}:rate={FRAMES_PER_S}:duration={CLIP_S}"
    encoded: list[bytes] = []
    with av.open(source, format="lavfi") as pictures:
        for picture in pictures.decode(video=0):
            frame = picture.reformat(format="yuv420p")
            frame.pts, frame.time_base = len(encoded), codec.time_base
            frame.pict_type = PictureType.NONE  # lavfi says I, which would force key frames
            encoded += map(bytes, codec.encode(frame))
    encoded += map(bytes, codec.encode(None))
    return encoded


def _encode_audio() -> list[bytes]:
    """Opus in packets of 20 ms; what the encoder flushes beyond the clip's end is left out."""
    codec = av.CodecContext.create("libopus", "w")
    assert isinstance(codec, AudioCodecContext)
    codec.sample_rate, codec.format, codec.layout = CLOCK_RATE_HZ["audio"], "s16", "stereo"
    codec.bit_rate, codec.options = AUDIO_BITRATE_BPS, {"application": "voip"}
    source = (
        f"sine=frequency=330:sample_rate={CLOCK_RATE_HZ['audio']}:duration={CLIP_S},"
        f"aformat=sample_fmts=s16:channel_layouts=stereo,asetnsamples={_OPUS_SAMPLES}"
    )
    encoded: list[bytes] = []
    with av.open(source, format="lavfi") as sounds:
        for sound in sounds.decode(audio=0):
            encoded += map(bytes, codec.encode(sound))
    encoded += map(bytes, codec.encode(None))
    return encoded[: int(CLIP_S / OPUS_S)]


def _packetise(video: list[bytes], audio: list[bytes]) -> Clip:
    """Both media in one timetable; the packets of a frame spread over the frame's time."""
    packets: list[ClipPacket] = []
    for number, frame in enumerate(video):
        payloads = list(_vp8_payloads(frame))
        for part, payload in enumerate(payloads):
            at_s = (number + part / len(payloads)) / FRAMES_PER_S
            last = part == len(payloads) - 1
            timestamp = number * _TICKS_PER_FRAME
            packets.append(ClipPacket(at_s, "video", last, timestamp, payload))
    for number, payload in enumerate(audio):
        at_s = float(number * OPUS_S)
        packets.append(ClipPacket(at_s, "audio", False, number * _OPUS_SAMPLES, payload))
    return Clip(CLIP_S, tuple(sorted(packets, key=lambda packet: packet.at_s)))


def _vp8_payloads(frame: bytes) -> Iterator[bytes]:
    """A frame cut into payloads with the one-byte descriptor (RFC 7741 section 4.2)."""
    room = PAYLOAD_BYTES - 1
    for start in range(0, len(frame), room):
        begins = b"\x00" if start else b"\x10"  # S: the frame's only partition starts here
        yield begins + frame[start : start + room]
