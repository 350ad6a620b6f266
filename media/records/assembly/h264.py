"""Which H.264 frames do these packets make? RFC 6184, packetization modes 0 and 1.

The frames have the form that Matroska wants (ISO/IEC 14496-15): a length before each NAL unit,
and the parameter sets in `private` too, as an avcC record. ITU-T H.264 section 7.3 (syntax).
"""

from dataclasses import dataclass

from media.records.assembly.bits import BitReader, Malformed
from media.records.assembly.frame import MOST_PRIVATE_BYTES, Frame, Gathering, KeyFrame
from media.records.sequence import RtpPacket

_SLICE, _IDR_SLICE, _SPS, _PPS, _STAP_A, _FU_A = 1, 5, 7, 8, 24, 28
_LAST_SINGLE = 23
_NO_PICTURE = {0, 9, 10, 11, 12}  # undefined, delimiter, ends, filler
_WITH_CHROMA = {44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244}  # profiles
_MOST_PIXELS = 0xFFFF  # a side; a picture that says more is none


@dataclass(slots=True)
class H264Assembler(Gathering):
    """Makes whole H.264 access units; a `media.records.assembly.frame.Assembler`."""

    _sps: bytes = b""
    _pps: bytes = b""
    _described: tuple[bytes, bytes] = b"", b""
    _description: KeyFrame | None = None
    _starts_key: bool | None = None  # what the first slice is; None before it

    def push(self, packet: RtpPacket, timestamp: int, gap: bool) -> Frame | None:
        """Take the next packet in order; a frame when this packet completes one."""
        if gap:
            self.give_up()
        payload = packet.payload
        if not payload:
            return None
        if not self.parts and not self.fragments:
            self.begin(packet.arrived_s)
            self._starts_key = None
        try:
            if payload[0] & 0x1F == _FU_A:
                self._fragment(payload)
            elif self.fragments:
                raise Malformed("a unit without its end")
            elif payload[0] & 0x1F == _STAP_A:
                self._aggregate(payload)
            else:
                self._unit(payload)
            if packet.marker and self.fragments:
                raise Malformed("a unit without its end")
        except Malformed:
            self.give_up()
        if not packet.marker or not self.parts:
            return None
        whole = self.take()
        if self._starts_key is None:  # no picture in it
            return None
        return self.frame(timestamp, whole, self._key_frame())

    def _fragment(self, payload: bytes) -> None:
        """A part of a NAL unit (RFC 6184 section 5.8)."""
        if len(payload) < 3:
            raise Malformed("a part of nothing")
        place = payload[1]
        if bool(place & 0x80) == bool(self.fragments):
            raise Malformed("a second beginning, or none")
        if place & 0x80:
            self.add(self.fragments, bytes((payload[0] & 0xE0 | place & 0x1F,)))
        self.add(self.fragments, payload[2:])
        if place & 0x40:
            unit = b"".join(self.fragments)
            self.fragments = []
            self._unit(unit)

    def _aggregate(self, payload: bytes) -> None:
        """Several NAL units in one packet (RFC 6184 section 5.7.1)."""
        at, end = 1, len(payload)
        while at < end:
            start = at + 2
            at = start + int.from_bytes(payload[at:start], "big")
            if at > end or at == start:
                raise Malformed("a unit longer than its packet, or empty")
            self._unit(payload[start:at])

    def _unit(self, unit: bytes) -> None:
        kind = unit[0] & 0x1F
        if kind in _NO_PICTURE:
            return
        if kind > _LAST_SINGLE:
            raise Malformed("a unit of a kind that modes 0 and 1 do not have")
        if kind == _SPS:
            self._sps = unit
        elif kind == _PPS:
            self._pps = unit
        elif _SLICE <= kind <= _IDR_SLICE and self._starts_key is None:
            # first_mb_in_slice is 0, a single 1 bit: the picture begins with this slice.
            self._starts_key = kind == _IDR_SLICE and len(unit) > 1 and unit[1] >= 0x80
        self.add(self.parts, len(unit).to_bytes(4, "big"))
        self.add(self.parts, unit)

    def _key_frame(self) -> KeyFrame | None:
        if not self._starts_key or not self._sps or not self._pps:
            return None
        if self._described != (self._sps, self._pps):
            self._described = self._sps, self._pps
            self._description = _describe(self._sps, self._pps)
        return self._description


def _describe(sps: bytes, pps: bytes) -> KeyFrame | None:
    """Size and avcC record of these parameter sets; None if they make no sense."""
    if len(sps) + len(pps) > MOST_PRIVATE_BYTES - 16:
        return None
    try:
        width, height, chroma = _read_sps(sps)
    except Malformed:
        return None
    if not 0 < width <= _MOST_PIXELS or not 0 < height <= _MOST_PIXELS:
        return None
    record = (
        b"\x01" + sps[1:4] + b"\xff\xe1" + len(sps).to_bytes(2, "big") + sps
        + b"\x01" + len(pps).to_bytes(2, "big") + pps + chroma
    )  # fmt: skip
    return KeyFrame(width, height, record)


def _read_sps(sps: bytes) -> tuple[int, int, bytes]:
    """Width, height and the avcC record's end (only High profiles have one). Raises Malformed."""
    reader = BitReader(sps[1:].replace(b"\x00\x00\x03", b"\x00\x00"))
    profile = reader.bits(8)
    reader.bits(16)
    reader.unsigned()
    chroma_format, separate, end = 1, False, b""
    if profile in _WITH_CHROMA:
        chroma_format = reader.unsigned()
        if chroma_format > 3:
            raise Malformed("a chroma format that is none")
        separate = chroma_format == 3 and reader.flag()
        depths = reader.unsigned(), reader.unsigned()
        if max(depths) > 6:
            raise Malformed("more than 14 bits a sample")
        end = bytes((0xFC | chroma_format, 0xF8 | depths[0], 0xF8 | depths[1], 0))
        reader.bits(1)
        if reader.flag():
            _skip_scaling(reader, 12 if chroma_format == 3 else 8)
    reader.unsigned()
    order = reader.unsigned()
    if order == 0:
        reader.unsigned()
    elif order == 1:
        reader.bits(1)
        reader.signed()
        reader.signed()
        for _ in range(reader.unsigned()):
            reader.signed()
    reader.unsigned()
    reader.bits(1)
    width, height = 16 * (reader.unsigned() + 1), 16 * (reader.unsigned() + 1)
    fields = 1
    if not reader.flag():  # pictures may be two fields
        fields = 2
        reader.bits(1)
    reader.bits(1)
    height *= fields
    if reader.flag():
        colour = chroma_format if not separate else 0
        across, down = 2 if colour in (1, 2) else 1, (2 if colour == 1 else 1) * fields
        width -= across * (reader.unsigned() + reader.unsigned())
        height -= down * (reader.unsigned() + reader.unsigned())
    return width, height, end if profile in (100, 110, 122, 144) else b""


def _skip_scaling(reader: BitReader, lists: int) -> None:
    """Pass over scaling lists (ITU-T H.264 section 7.3.2.1.1.1)."""
    for number in range(lists):
        if not reader.flag():
            continue
        last = following = 8
        for _ in range(16 if number < 6 else 64):
            if following:
                following = (last + reader.signed()) % 256
            last = following or last
