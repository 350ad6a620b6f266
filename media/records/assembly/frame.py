"""What is an encoded frame, and what does every codec's assembler keep while it makes one?

Nothing is decoded: of a frame only the descriptor that RTP put before it and, for key frames, the
header that names the picture's size are read. All of it comes from a party and may be anything.
"""

from dataclasses import dataclass, field
from typing import Protocol

from media.records.assembly.bits import Malformed
from media.records.sequence import RtpPacket

MOST_FRAME_BYTES = 4 << 20  # far more than any camera sends; a frame that never ends is no frame
MOST_PRIVATE_BYTES = 400  # of a decoder's configuration; real ones have 20 to 60
_PART_BYTES = 64  # what a part costs beside its bytes: a frame of tiny parts must end too


@dataclass(frozen=True, slots=True)
class Frame:
    """One encoded frame with its unwrapped RTP timestamp and the arrival of its first packet."""

    timestamp: int
    payload: bytes
    key: bool
    arrived_s: float
    width: int = 0
    height: int = 0


class Assembler(Protocol):
    """Makes whole frames of packets in order; after a gap nothing until the next key frame.

    `needs_key` asks the owner to request one. `private` is what a file's header must say so that
    the frames since the last key frame can be decoded (Matroska's CodecPrivate). No packet, be it
    what it may, makes `push` raise.
    """

    needs_key: bool
    skipped: int
    private: bytes

    def push(self, packet: RtpPacket, timestamp: int, gap: bool) -> Frame | None:
        """Take the next packet in order; a frame when this packet completes one."""


@dataclass(frozen=True, slots=True)
class KeyFrame:
    """What a key frame says of the frames that follow it."""

    width: int
    height: int
    private: bytes = b""


@dataclass(slots=True)
class Gathering:
    """The frame that is under way: the part of an assembler that is the same for every codec.

    `parts` make the frame; `fragments` make a unit inside it that goes on in the next packet.
    """

    needs_key: bool = True
    skipped: int = 0
    private: bytes = b""
    parts: list[bytes] = field(default_factory=list)
    fragments: list[bytes] = field(default_factory=list)
    size: int = 0
    arrived_s: float = 0.0

    def begin(self, arrived_s: float) -> None:
        """Forget what was gathered: a frame begins with this packet."""
        self.parts, self.fragments = [], []
        self.size = 0
        self.arrived_s = arrived_s

    def give_up(self) -> None:
        """Something of this frame is missing, so what follows cannot be decoded either."""
        self.parts, self.fragments = [], []
        self.size = 0
        self.needs_key = True

    def add(self, to: list[bytes], part: bytes) -> None:
        """Put a part to `parts` or `fragments`. Raises Malformed for a frame without end."""
        to.append(part)
        self.size += len(part) + _PART_BYTES
        if self.size > MOST_FRAME_BYTES:
            raise Malformed("a frame without end")

    def take(self) -> bytes:
        """The frame as it was gathered; b"" if there is none."""
        payload = b"".join(self.parts)
        self.parts, self.fragments = [], []
        self.size = 0
        return payload

    def frame(self, timestamp: int, payload: bytes, key: KeyFrame | None) -> Frame | None:
        """The frame, unless it can only be decoded with one that is missing."""
        if key is not None:
            self.needs_key = False
            self.private = key.private
            return Frame(timestamp, payload, True, self.arrived_s, key.width, key.height)
        if self.needs_key:
            self.skipped += 1
            return None
        return Frame(timestamp, payload, False, self.arrived_s)
