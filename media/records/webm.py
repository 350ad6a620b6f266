"""How does a recording lie on the disk? WebM written in whole clusters, finished in place.

One file holds one party's sound (Opus) and picture (VP8) as they came, never decoded. Until it is
finished the Segment has no size and no index: any prefix of whole clusters plays. `finish` adds
index and duration without moving a byte; `scan` reads a file that a killed process left.

Own writer: the product exists for its recordings, and the server then needs no codec library at
all, which a test proves (docs/decisions/0002). RFC 8794 (EBML), RFC 9559 (Matroska).
"""

import mmap
import os
import struct
from dataclasses import dataclass
from typing import Literal

Bytes = bytes | mmap.mmap
Track = Literal[1, 2]
AUDIO_TRACK: Track = 1
VIDEO_TRACK: Track = 2

_EBML, _SEGMENT, _VOID = 0x1A45DFA3, 0x18538067, 0xEC
_SEEK_HEAD, _SEEK, _SEEK_ID, _SEEK_POSITION = 0x114D9B74, 0x4DBB, 0x53AB, 0x53AC
_INFO, _SCALE, _DURATION, _MUXER, _WRITER = 0x1549A966, 0x2AD7B1, 0x4489, 0x4D80, 0x5741
_TRACKS, _ENTRY, _NUMBER, _UID, _TYPE, _LACING = 0x1654AE6B, 0xAE, 0xD7, 0x73C5, 0x83, 0x9C
_CODEC, _CODEC_PRIVATE, _CODEC_DELAY, _SEEK_PREROLL = 0x86, 0x63A2, 0x56AA, 0x56BB
_AUDIO, _RATE, _CHANNELS, _VIDEO, _WIDTH, _HEIGHT = 0xE1, 0xB5, 0x9F, 0xE0, 0xB0, 0xBA
_CLUSTER, _TIMESTAMP, _SIMPLE_BLOCK = 0x1F43B675, 0xE7, 0xA3
_CUES, _CUE, _CUE_TIME, _CUE_TRACK, _CUE_POSITIONS, _CUE_CLUSTER = (
    0x1C53BB6B, 0xBB, 0xB3, 0xF7, 0xB7, 0xF1,
)  # fmt: skip
_UNKNOWN_SIZE = b"\x01" + b"\xff" * 7
CLUSTER_MOST_MS = 32_767  # a block's time in its cluster has 16 bits, signed
_OPUS_PRE_SKIP = 312  # samples at 48 kHz, what Chromium's encoder looks ahead


class NotWebm(ValueError):  # noqa: N818
    """The file does not begin as ours do."""


@dataclass(frozen=True, slots=True)
class Block:
    """One encoded frame: milliseconds since the file's start, and the bytes as they came."""

    track: Track
    time_ms: int
    key: bool
    payload: bytes


@dataclass(frozen=True, slots=True)
class Cue:
    """Where playback can start: a cluster at `position` bytes into the Segment."""

    time_ms: int
    position: int


@dataclass(frozen=True, slots=True)
class Scan:
    """What a file holds: `size` is the end of its last whole cluster; the rest is torn."""

    size: int
    duration_ms: int
    cues: tuple[Cue, ...]
    audio_frames: int
    video_frames: int
    finished: bool


def _id(identifier: int) -> bytes:
    return identifier.to_bytes((identifier.bit_length() + 7) // 8, "big")


def _size(size: int) -> bytes:
    for width in range(1, 9):
        if size < (1 << 7 * width) - 1:
            return (size | 1 << 7 * width).to_bytes(width, "big")
    raise ValueError("EBML size")


def _element(identifier: int, *bodies: bytes) -> bytes:
    body = b"".join(bodies)
    return _id(identifier) + _size(len(body)) + body


def _uint(identifier: int, value: int, width: int = 0) -> bytes:
    return _element(identifier, value.to_bytes(width or max(1, (value.bit_length() + 7) // 8)))


def _text(identifier: int, value: str) -> bytes:
    return _element(identifier, value.encode())


def _void(length: int) -> bytes:
    return _id(_VOID) + _size(length - 2) + bytes(length - 2)


def _seek_head(cues: int) -> bytes:
    return _element(
        _SEEK_HEAD,
        *(
            _element(_SEEK, _element(_SEEK_ID, _id(target)), _uint(_SEEK_POSITION, position, 8))
            for target, position in ((_INFO, _INFO_AT), (_TRACKS, _TRACKS_AT), (_CUES, cues))
        ),
    )


_SEEK_HEAD_BYTES = 5 + sum(3 + 3 + 4 + 3 + 8 for _ in range(3))
_HEAD = _element(
    _EBML,
    _uint(0x4286, 1),
    _uint(0x42F7, 1),
    _uint(0x42F2, 4),
    _uint(0x42F3, 8),
    _text(0x4282, "webm"),
    _uint(0x4287, 4),
    _uint(0x4285, 2),
)
_INFO_AT = _SEEK_HEAD_BYTES
_INFO_ELEMENT = _element(
    _INFO,
    _uint(_SCALE, 1_000_000),
    _text(_MUXER, "virtual-window"),
    _text(_WRITER, "virtual-window"),
    _void(11),
)
_TRACKS_AT = _INFO_AT + len(_INFO_ELEMENT)
_TRACKS_ELEMENT = _element(
    _TRACKS,
    _element(
        _ENTRY,
        _uint(_NUMBER, AUDIO_TRACK),
        _uint(_UID, AUDIO_TRACK),
        _uint(_TYPE, 2),
        _uint(_LACING, 0),
        _text(_CODEC, "A_OPUS"),
        _uint(_CODEC_DELAY, _OPUS_PRE_SKIP * 1_000_000_000 // 48_000),
        _uint(_SEEK_PREROLL, 80_000_000),
        _element(
            _CODEC_PRIVATE,
            b"OpusHead" + struct.pack("<BBHIhB", 1, 2, _OPUS_PRE_SKIP, 48_000, 0, 0),
        ),
        _element(_AUDIO, _element(_RATE, struct.pack("!d", 48_000.0)), _uint(_CHANNELS, 2)),
    ),
    _element(
        _ENTRY,
        _uint(_NUMBER, VIDEO_TRACK),
        _uint(_UID, VIDEO_TRACK),
        _uint(_TYPE, 1),
        _uint(_LACING, 0),
        _text(_CODEC, "V_VP8"),
        _element(_VIDEO, _uint(_WIDTH, 640, 4), _uint(_HEIGHT, 480, 4)),
    ),
)
# Places in the file that `finish` and `resize` write to.
_SEGMENT_SIZE_AT = len(_HEAD) + 4
_BODY_AT = _SEGMENT_SIZE_AT + 8
_DURATION_AT = _BODY_AT + _INFO_AT + len(_INFO_ELEMENT) - 11
_PIXELS_AT = _BODY_AT + _TRACKS_AT + len(_TRACKS_ELEMENT) - 12
HEADER = (
    _HEAD + _id(_SEGMENT) + _UNKNOWN_SIZE + _void(_SEEK_HEAD_BYTES) + _INFO_ELEMENT
    + _TRACKS_ELEMENT
)  # fmt: skip


def spans(blocks: list[Block]) -> list[list[Block]]:
    """Cut blocks in order of time into what one cluster can hold."""
    found: list[list[Block]] = []
    for block in blocks:
        if not found or block.time_ms - found[-1][0].time_ms > CLUSTER_MOST_MS:
            found.append([])
        found[-1].append(block)
    return found


def write_whole(descriptor: int, data: bytes, at: int) -> None:
    """Write all bytes or raise OSError: a nearly full disk takes a part and says nothing."""
    while data:
        written = os.pwrite(descriptor, data, at)
        data, at = data[written:], at + written


def cluster(blocks: list[Block]) -> bytes:
    """One cluster of at least one block, in the order given."""
    start_ms = blocks[0].time_ms
    return _element(
        _CLUSTER,
        _uint(_TIMESTAMP, start_ms),
        *(
            _element(
                _SIMPLE_BLOCK,
                struct.pack(
                    "!BhB", 0x80 | block.track, block.time_ms - start_ms, 0x80 if block.key else 0
                ),
                block.payload,
            )
            for block in blocks
        ),
    )


def position_in_segment(file_offset: int) -> int:
    """A file offset as cues count it: from the first byte inside the Segment."""
    return file_offset - _BODY_AT


def resize(descriptor: int, width: int, height: int) -> None:
    """Write the picture's size, known from the first key frame, into the header."""
    os.pwrite(descriptor, _uint(_WIDTH, width, 4) + _uint(_HEIGHT, height, 4), _PIXELS_AT)


def finish(descriptor: int, size: int, duration_ms: int, cues: tuple[Cue, ...]) -> int:
    """Make a file of `size` bytes seekable: index, duration, sizes. Returns its new size."""
    os.ftruncate(descriptor, size)
    index = _element(
        _CUES,
        *(
            _element(
                _CUE,
                _uint(_CUE_TIME, cue.time_ms),
                _element(
                    _CUE_POSITIONS,
                    _uint(_CUE_TRACK, VIDEO_TRACK),
                    _uint(_CUE_CLUSTER, cue.position),
                ),
            )
            for cue in cues
        ),
    )
    write_whole(descriptor, index, size)
    end = size + len(index)
    duration = _id(_DURATION) + _size(8) + struct.pack("!d", float(duration_ms))
    os.pwrite(descriptor, duration, _DURATION_AT)
    os.pwrite(descriptor, _seek_head(position_in_segment(size)), _BODY_AT)
    os.pwrite(descriptor, (end - _BODY_AT | 1 << 56).to_bytes(8, "big"), _SEGMENT_SIZE_AT)
    os.fsync(descriptor)
    return end


def scan(data: Bytes) -> Scan:
    """Walk a file's clusters, whole or torn. Raises NotWebm if it does not begin as ours do."""
    if data[: len(_HEAD)] != _HEAD or len(data) < len(HEADER):
        raise NotWebm("not a recording of this system")
    position = len(HEADER)
    cues: list[Cue] = []
    duration_ms, frames, finished = 0, [0, 0], False
    while (element := _read(data, position)) is not None:
        identifier, body, end = element
        if identifier == _CUES:
            # `finish` writes the Segment's size last: without it the header knows no index.
            finished = data[_SEGMENT_SIZE_AT:_BODY_AT] != _UNKNOWN_SIZE
            break
        if identifier != _CLUSTER:
            break
        has_key = _scan_cluster(data, body, end, frames)
        start_ms, last_ms = _cluster_times(data, body, end)
        duration_ms = max(duration_ms, last_ms)
        if has_key or not cues:
            cues.append(Cue(start_ms, position_in_segment(position)))
        position = end
    return Scan(position, duration_ms, tuple(cues), frames[0], frames[1], finished)


def _blocks(data: Bytes, body: int, end: int) -> list[tuple[int, int, bool]]:
    """Track, relative milliseconds and key flag of each block of a cluster."""
    found = []
    while body < end and (element := _read(data, body)) is not None:
        identifier, start, body = element
        if identifier == _SIMPLE_BLOCK:
            if body - start < 4 or data[start] & 0x7F not in (AUDIO_TRACK, VIDEO_TRACK):
                raise NotWebm("block that is none of ours")
            track, relative, flags = struct.unpack_from("!BhB", data, start)
            found.append((track & 0x7F, relative, bool(flags & 0x80)))
    return found


def _scan_cluster(data: Bytes, body: int, end: int, frames: list[int]) -> bool:
    has_key = False
    for track, _, key in _blocks(data, body, end):
        frames[track - 1] += 1
        has_key = has_key or (key and track == VIDEO_TRACK)
    return has_key


def _cluster_times(data: Bytes, body: int, end: int) -> tuple[int, int]:
    element = _read(data, body)
    if element is None or element[0] != _TIMESTAMP or element[2] - element[1] > 6:
        raise NotWebm("cluster without a timestamp")
    start_ms = int.from_bytes(data[element[1] : element[2]], "big")
    return start_ms, max((start_ms + r for _, r, _ in _blocks(data, body, end)), default=start_ms)


def _read(data: Bytes, position: int) -> tuple[int, int, int] | None:
    """Id, body start and end of the element at `position`; None if it is torn."""
    if position >= len(data) or data[position] == 0:
        return None
    id_bytes = 9 - data[position].bit_length()
    at = position + id_bytes
    if id_bytes > 4 or at >= len(data) or data[at] == 0:
        return None
    size_bytes = 9 - data[at].bit_length()
    size = int.from_bytes(data[at : at + size_bytes], "big") & ((1 << 7 * size_bytes) - 1)
    start = at + size_bytes
    if start + size > len(data):
        return None
    return int.from_bytes(data[position:at], "big"), start, start + size
