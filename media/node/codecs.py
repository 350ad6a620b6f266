"""Which codecs may travel, under which payload types, and which one does a call use?

One table for every offer: payload types are the same for all parties, so that a packet passes from
one to the other unchanged. Pure. RFC 8851 has no say here: a codec is one payload type and its
repair (RFC 4588); sound is Opus (RFC 7587) with redundancy (RFC 2198) where both ends read it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

Track = Literal["audio", "camera", "screen"]
Codec = Literal["VP8", "VP9", "H264", "AV1"]
Kind = Literal["audio", "red", "video", "rtx"]

TRACKS: tuple[Track, ...] = get_args(Track)
CODECS: tuple[Codec, ...] = get_args(Codec)

OPUS, RED = 111, 63
VIDEO: dict[Codec, int] = {"VP8": 96, "VP9": 98, "H264": 102, "AV1": 104}
REPAIR: dict[int, int] = {number: number + 1 for number in VIDEO.values()}

CLOCK_RATE_HZ: dict[Track, int] = {"audio": 48_000, "camera": 90_000, "screen": 90_000}


@dataclass(frozen=True, slots=True)
class PayloadType:
    """What a payload type stands for. `codec` is "opus" for sound, also inside RED."""

    number: int
    kind: Kind
    codec: str


PAYLOAD_TYPES: dict[int, PayloadType] = {
    OPUS: PayloadType(OPUS, "audio", "opus"),
    RED: PayloadType(RED, "red", "opus"),
    **{number: PayloadType(number, "video", codec) for codec, number in VIDEO.items()},
    **{
        REPAIR[number]: PayloadType(REPAIR[number], "rtx", codec) for codec, number in VIDEO.items()
    },
}
SOUND: frozenset[int] = frozenset({OPUS, RED})
PICTURE: frozenset[int] = frozenset(VIDEO.values())


def lines(payload_type: int) -> list[str]:
    """The SDP attributes that describe one payload type (RFC 8866 section 6.6)."""
    number = payload_type
    if number == OPUS:
        return [
            f"a=rtpmap:{number} opus/48000/2",
            f"a=rtcp-fb:{number} transport-cc",
            f"a=fmtp:{number} minptime=10;useinbandfec=1",
        ]
    if number == RED:
        return [f"a=rtpmap:{number} red/48000/2", f"a=fmtp:{number} {OPUS}/{OPUS}"]
    described = PAYLOAD_TYPES[number]
    if described.kind == "rtx":
        return [f"a=rtpmap:{number} rtx/90000", f"a=fmtp:{number} apt={number - 1}"]
    return [
        f"a=rtpmap:{number} {described.codec}/90000",
        *(
            f"a=rtcp-fb:{number} {feedback}"
            for feedback in ("goog-remb", "transport-cc", "ccm fir", "nack", "nack pli")
        ),
        f"a=fmtp:{number} {_FORMATS[described.codec]}x-google-start-bitrate={START_KBPS}",
    ]


# A face in 720p fits; Chromium begins at 300 kbit/s otherwise, and with a small picture.
START_KBPS = 1000
# H264: constrained baseline, one NAL unit may span packets (RFC 6184 section 8.1).
_FORMATS = {
    "VP8": "",
    "H264": "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f;",
    "VP9": "profile-id=0;",
    "AV1": "level-idx=5;profile=0;tier=0;",
}


def common(preference: Sequence[Codec], supported: Iterable[frozenset[Codec]]) -> Codec | None:
    """The first codec of `preference` that every one of `supported` has; None if there is none."""
    sets = list(supported)
    return next((codec for codec in preference if all(codec in held for held in sets)), None)
