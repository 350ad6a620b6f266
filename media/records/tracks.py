"""What does a file's header say of its tracks? One of Opus, one of any codec we record, or both.

The element is always as long, so that it can be written anew in place. Codec ids and CodecPrivate
are those of draft-ietf-cellar-codec; that a `.webm` holds H.264 is not in Google's guidelines, but
every player that can decode it takes it.
"""

import struct
from dataclasses import dataclass
from typing import Literal

from media.records import ebml

Track = Literal[1, 2]
AUDIO_TRACK: Track = 1
VIDEO_TRACK: Track = 2

TRACKS, _ENTRY, _NUMBER, _UID, _TYPE, _LACING = 0x1654AE6B, 0xAE, 0xD7, 0x73C5, 0x83, 0x9C
_CODEC, _CODEC_PRIVATE, _CODEC_DELAY, _SEEK_PREROLL = 0x86, 0x63A2, 0x56AA, 0x56BB
_AUDIO, _RATE, _CHANNELS, _VIDEO, _WIDTH, _HEIGHT = 0xE1, 0xB5, 0x9F, 0xE0, 0xB0, 0xBA
_OPUS_PRE_SKIP = 312  # samples at 48 kHz, what Chromium's encoder looks ahead
BYTES = 1024  # in the header, whatever is described
_CODEC_IDS = {"VP8": "V_VP8", "VP9": "V_VP9", "H264": "V_MPEG4/ISO/AVC", "AV1": "V_AV1"}


@dataclass(frozen=True, slots=True)
class Picture:
    """What a video track holds: `codec` as in SDP, pixels, and the decoder's configuration."""

    codec: str
    width: int
    height: int
    private: bytes = b""


def element(*, audio: bool, video: Picture | None) -> bytes:
    """The Tracks element, always as long. Raises ValueError for a configuration too long for it."""
    entries = (_audio_entry() if audio else b"") + (_video_entry(video) if video else b"")
    head = ebml.identifier(TRACKS) + ebml.size(BYTES - 6)
    return head + entries + ebml.void(BYTES - len(head) - len(entries))


def _audio_entry() -> bytes:
    return ebml.element(
        _ENTRY,
        ebml.uint(_NUMBER, AUDIO_TRACK),
        ebml.uint(_UID, AUDIO_TRACK),
        ebml.uint(_TYPE, 2),
        ebml.uint(_LACING, 0),
        ebml.text(_CODEC, "A_OPUS"),
        ebml.uint(_CODEC_DELAY, _OPUS_PRE_SKIP * 1_000_000_000 // 48_000),
        ebml.uint(_SEEK_PREROLL, 80_000_000),
        ebml.element(
            _CODEC_PRIVATE,
            b"OpusHead" + struct.pack("<BBHIhB", 1, 2, _OPUS_PRE_SKIP, 48_000, 0, 0),
        ),
        ebml.element(
            _AUDIO, ebml.element(_RATE, struct.pack("!d", 48_000.0)), ebml.uint(_CHANNELS, 2)
        ),
    )


def _video_entry(picture: Picture) -> bytes:
    return ebml.element(
        _ENTRY,
        ebml.uint(_NUMBER, VIDEO_TRACK),
        ebml.uint(_UID, VIDEO_TRACK),
        ebml.uint(_TYPE, 1),
        ebml.uint(_LACING, 0),
        ebml.text(_CODEC, _CODEC_IDS[picture.codec]),
        ebml.element(_CODEC_PRIVATE, picture.private) if picture.private else b"",
        ebml.element(_VIDEO, ebml.uint(_WIDTH, picture.width), ebml.uint(_HEIGHT, picture.height)),
    )


def leading(tracks: bytes) -> Track:
    """The track that the index is for: the picture's if the header says that there is one."""
    whole = ebml.read(tracks, 0)
    at, end = whole[1:] if whole is not None else (0, 0)
    while at < end and (entry := ebml.read(tracks, at)) is not None:
        number = ebml.uint(_NUMBER, VIDEO_TRACK)
        if entry[0] == _ENTRY and tracks[entry[1] :].startswith(number):
            return VIDEO_TRACK
        at = entry[2]
    return AUDIO_TRACK
