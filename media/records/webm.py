"""How does a recording lie on the disk? WebM written in whole clusters, finished in place.

One file holds one party's sound (Opus), its picture, or both, as they came, never decoded. A file
begins before it is known what the party will send: the header keeps room for the tracks, and
`describe` fills it in. Until it is finished the Segment has no size and no index: any prefix of
whole clusters plays. `finish` adds index and duration without moving a byte; `scan` reads a file
that a killed process left.

Own writer: the product exists for its recordings, and the server then needs no codec library at
all, which a test proves (docs/decisions/0002). RFC 9559 (Matroska); the elements themselves are
in `ebml.py`, what the header says of the tracks in `tracks.py`.
"""

import os
import struct
from dataclasses import dataclass

from media.records import ebml, tracks
from media.records.ebml import Bytes
from media.records.tracks import AUDIO_TRACK, VIDEO_TRACK, Picture, Track

__all__ = [
    "AUDIO_TRACK",
    "CLUSTER_MOST_MS",
    "HEADER",
    "VIDEO_TRACK",
    "Block",
    "Cue",
    "NotWebm",
    "Picture",
    "Scan",
    "Track",
    "cluster",
    "describe",
    "finish",
    "position_in_segment",
    "scan",
    "spans",
    "write_whole",
]

_EBML, _SEGMENT = 0x1A45DFA3, 0x18538067
_SEEK_HEAD, _SEEK, _SEEK_ID, _SEEK_POSITION = 0x114D9B74, 0x4DBB, 0x53AB, 0x53AC
_INFO, _SCALE, _DURATION, _MUXER, _WRITER = 0x1549A966, 0x2AD7B1, 0x4489, 0x4D80, 0x5741
_CLUSTER, _TIMESTAMP, _SIMPLE_BLOCK = 0x1F43B675, 0xE7, 0xA3
_CUES, _CUE, _CUE_TIME, _CUE_TRACK, _CUE_POSITIONS, _CUE_CLUSTER = (
    0x1C53BB6B, 0xBB, 0xB3, 0xF7, 0xB7, 0xF1,
)  # fmt: skip
_FIRST_TRACKS_BYTES = 114  # in the header of version 0.1.0, which knew VP8 only
_BLOCK = struct.Struct("!BIBhB")  # id, size in four bytes, track, time in the cluster, flags
_BLOCK_FIELDS = 4  # of it are counted by the size
CLUSTER_MOST_MS = 32_767  # a block's time in its cluster has 16 bits, signed


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


def _seek_head(cues: int) -> bytes:
    return ebml.element(
        _SEEK_HEAD,
        *(
            ebml.element(
                _SEEK,
                ebml.element(_SEEK_ID, ebml.identifier(target)),
                ebml.uint(_SEEK_POSITION, position, 8),
            )
            for target, position in ((_INFO, _INFO_AT), (tracks.TRACKS, _TRACKS_AT), (_CUES, cues))
        ),
    )


_SEEK_HEAD_BYTES = 5 + sum(3 + 3 + 4 + 3 + 8 for _ in range(3))
_HEAD = ebml.element(
    _EBML,
    ebml.uint(0x4286, 1),
    ebml.uint(0x42F7, 1),
    ebml.uint(0x42F2, 4),
    ebml.uint(0x42F3, 8),
    ebml.text(0x4282, "webm"),
    ebml.uint(0x4287, 4),
    ebml.uint(0x4285, 2),
)
_INFO_AT = _SEEK_HEAD_BYTES
_INFO_ELEMENT = ebml.element(
    _INFO,
    ebml.uint(_SCALE, 1_000_000),
    ebml.text(_MUXER, "virtual-window"),
    ebml.text(_WRITER, "virtual-window"),
    ebml.void(11),
)
_TRACKS_AT = _INFO_AT + len(_INFO_ELEMENT)


# Places in the file that `finish` and `describe` write to.
_SEGMENT_SIZE_AT = len(_HEAD) + 4
_BODY_AT = _SEGMENT_SIZE_AT + 8
_DURATION_AT = _BODY_AT + _INFO_AT + len(_INFO_ELEMENT) - 11
_DESCRIBED_AT = _BODY_AT + _TRACKS_AT
HEADER = (
    _HEAD + ebml.identifier(_SEGMENT) + ebml.UNKNOWN_SIZE + ebml.void(_SEEK_HEAD_BYTES)
    + _INFO_ELEMENT + tracks.element(audio=True, video=None)
)  # fmt: skip
_HEADER_ENDS = {len(HEADER), _DESCRIBED_AT + _FIRST_TRACKS_BYTES}


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
    parts = [b"", ebml.uint(_TIMESTAMP, start_ms)]
    length = len(parts[1])
    for block in blocks:  # measured: `ebml.element` for each block costs four times as much
        payload = block.payload
        held = _BLOCK_FIELDS + len(payload)
        head = _BLOCK.pack(
            _SIMPLE_BLOCK,
            held | 1 << 28,
            0x80 | block.track,
            block.time_ms - start_ms,
            0x80 if block.key else 0,
        )
        parts += (head, payload)
        length += _BLOCK.size - _BLOCK_FIELDS + held
    parts[0] = ebml.identifier(_CLUSTER) + ebml.size(length)
    return b"".join(parts)


def position_in_segment(file_offset: int) -> int:
    """A file offset as cues count it: from the first byte inside the Segment."""
    return file_offset - _BODY_AT


def describe(descriptor: int, *, audio: bool, video: Picture | None) -> None:
    """Write into the header which tracks the file holds; until then it holds sound.

    Raises KeyError for a codec that we do not record, ValueError for a configuration of more
    than about 800 bytes, OSError.
    """
    write_whole(descriptor, tracks.element(audio=audio, video=video), _DESCRIBED_AT)


def finish(descriptor: int, size: int, duration_ms: int, cues: tuple[Cue, ...]) -> int:
    """Make a file of `size` bytes seekable: index, duration, sizes. Returns its new size."""
    os.ftruncate(descriptor, size)
    track = tracks.leading(os.pread(descriptor, tracks.BYTES, _DESCRIBED_AT))
    index = ebml.element(
        _CUES,
        *(
            ebml.element(
                _CUE,
                ebml.uint(_CUE_TIME, cue.time_ms),
                ebml.element(
                    _CUE_POSITIONS,
                    ebml.uint(_CUE_TRACK, track),
                    ebml.uint(_CUE_CLUSTER, cue.position),
                ),
            )
            for cue in cues
        ),
    )
    write_whole(descriptor, index, size)
    end = size + len(index)
    duration = ebml.identifier(_DURATION) + ebml.size(8) + struct.pack("!d", float(duration_ms))
    os.pwrite(descriptor, duration, _DURATION_AT)
    os.pwrite(descriptor, _seek_head(position_in_segment(size)), _BODY_AT)
    os.pwrite(descriptor, (end - _BODY_AT | 1 << 56).to_bytes(8, "big"), _SEGMENT_SIZE_AT)
    os.fsync(descriptor)
    return end


def scan(data: Bytes) -> Scan:
    """Walk a file's clusters, whole or torn. Raises NotWebm if it does not begin as ours do."""
    described = ebml.read(data, _DESCRIBED_AT)
    if data[: len(_HEAD)] != _HEAD or described is None or described[0] != tracks.TRACKS:
        raise NotWebm("not a recording of this system")
    position = described[2]
    if position not in _HEADER_ENDS:
        raise NotWebm("the header is not as it was written")
    cues: list[Cue] = []
    duration_ms, frames, finished = 0, [0, 0], False
    while (element := ebml.read(data, position)) is not None:
        identifier, body, end = element
        if identifier == _CUES:
            # `finish` writes the Segment's size last: without it the header knows no index.
            finished = data[_SEGMENT_SIZE_AT:_BODY_AT] != ebml.UNKNOWN_SIZE
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
    while body < end and (element := ebml.read(data, body)) is not None:
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
    element = ebml.read(data, body)
    if element is None or element[0] != _TIMESTAMP or element[2] - element[1] > 6:
        raise NotWebm("cluster without a timestamp")
    start_ms = int.from_bytes(data[element[1] : element[2]], "big")
    return start_ms, max((start_ms + r for _, r, _ in _blocks(data, body, end)), default=start_ms)
