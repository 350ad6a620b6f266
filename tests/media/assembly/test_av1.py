"""AV1 packets become the temporal units that were sent, in the form Matroska wants."""

import pytest

from media.records.assembly import Assembler, assembler
from media.records.assembly.bits import leb128
from tests.media.assembly.packetise import (
    HEIGHT,
    WIDTH,
    av1_payloads,
    encoded,
    expected,
    obus,
    packets_of,
)
from tests.media.assembly.track import NOW, Track, corpus, decoded, framed, pushed

# As Chromium's encoder writes them: 320x240, Main profile.
SEQUENCE = bytes.fromhex("08000000043cffbc01a008")
KEY, DELTA = b"\x30\x10picture", b"\x30\x30picture"


def packet(*elements: bytes, goes_on_from: bool = False, goes_on: bool = False) -> bytes:
    """A payload whose OBUs all have a length."""
    header = (0x80 if goes_on_from else 0) | (0x40 if goes_on else 0)
    return bytes((header,)) + b"".join(leb128(len(element)) + element for element in elements)


def sized(obu: bytes) -> bytes:
    return bytes((obu[0] | 0x02,)) + leb128(len(obu) - 1) + obu[1:]


def begun() -> Assembler:
    """An assembler that has its key frame."""
    under_test = assembler("AV1")
    assert pushed(under_test, [packet(SEQUENCE, KEY)]) is not None
    return under_test


def test_a_key_frame_says_its_size_and_its_sequence_header() -> None:
    under_test = assembler("AV1")
    frame = pushed(under_test, [packet(SEQUENCE, KEY)])
    assert frame is not None
    assert (frame.key, frame.width, frame.height) == (True, 320, 240)
    assert frame.payload == sized(SEQUENCE) + sized(KEY)
    assert under_test.private == b"\x81\x00\x0c\x00" + sized(SEQUENCE)


def test_chromium_s_sequence_header_is_the_one_of_this_test() -> None:
    track = Track("AV1")
    track.take(corpus("AV1")[:3])
    assert track.payloads[0].startswith(sized(SEQUENCE))


@pytest.mark.parametrize(
    "payload",
    [
        b"\x20" + leb128(len(SEQUENCE)) + SEQUENCE + KEY,  # W=2: the last has no length
        b"\x00" + leb128(len(SEQUENCE)) + SEQUENCE + leb128(len(KEY)) + KEY,  # W=0: all have
        b"\x28" + leb128(len(SEQUENCE)) + SEQUENCE + KEY,  # N: a new sequence
        packet(sized(SEQUENCE), sized(KEY)),  # OBUs with a size of their own
        packet(b"\x10", SEQUENCE, KEY, b"\x78\x00\x00"),  # delimiter, padding
        packet(b"", SEQUENCE, b"", KEY),
    ],
)
def test_every_form_of_packet_gives_the_same_frame(payload: bytes) -> None:
    frame = framed("AV1", [payload])
    assert frame is not None
    assert frame.payload == sized(SEQUENCE) + sized(KEY)


def test_an_obu_goes_on_in_any_number_of_packets() -> None:
    frame = framed(
        "AV1",
        [
            packet(SEQUENCE, KEY[:1], goes_on=True),
            b"\xd0" + KEY[1:3],  # Z, Y, W=1
            packet(KEY[3:5], goes_on_from=True, goes_on=True),
            packet(KEY[5:], DELTA, goes_on_from=True),
        ],
    )
    assert frame is not None
    assert frame.payload == sized(SEQUENCE) + sized(KEY) + sized(DELTA)
    assert frame.arrived_s == NOW


def test_an_extension_header_stays() -> None:
    layer = b"\x34\x08\x10picture"
    frame = framed("AV1", [packet(SEQUENCE, layer)])
    assert frame is not None
    assert frame.payload == sized(SEQUENCE) + b"\x36\x08" + leb128(8) + b"\x10picture"


@pytest.mark.parametrize("counted", [True, False])
@pytest.mark.parametrize("most_bytes", [3, 40, 1100])
def test_every_way_to_cut_gives_what_was_encoded(most_bytes: int, *, counted: bool) -> None:
    unit = encoded("AV1")[0]
    frame = framed("AV1", av1_payloads(unit, most_bytes, counted=counted))
    assert frame is not None
    assert frame.payload == expected("AV1", unit)


def test_the_configuration_is_the_one_the_encoder_wrote() -> None:
    """Four bytes and the sequence header, as in a file of another implementation."""
    track = Track("AV1")
    track.take(packets_of("AV1", encoded("AV1")))
    header = next(obu for kind, obu in obus(encoded("AV1")[0]) if kind == 1)
    assert track.private[0] == 0x81
    assert track.private[4:] == sized(header)
    assert (track.frames[0].width, track.frames[0].height) == (WIDTH, HEIGHT)


@pytest.mark.parametrize("pixels", ["yuv420p", "yuv420p10le"])
def test_the_depth_of_colours_is_in_the_configuration(pixels: str) -> None:
    track = Track("AV1")
    track.take(packets_of("AV1", encoded("AV1", 3, pixels=pixels)))
    assert bool(track.private[2] & 0x40) == (pixels == "yuv420p10le")
    assert decoded(track.file())[0].format.name == pixels


def header_of(*fields: str) -> bytes:
    """A sequence header of these bits."""
    bits = "".join(fields).replace(" ", "")
    bits += "1" + "0" * (-(len(bits) + 1) % 8)
    return b"\x08" + int(bits, 2).to_bytes(len(bits) // 8, "big")


SIZE = "1010 1010" + f"{1279:011b}" + f"{719:011b}"  # 11 bits each
TOOLS = "0 000 0000 0 1 1 000"  # no frame ids; tools; unordered; screen content chosen; filters
PLAIN = (
    "000 0 0 0 0 00000 000000000000 01000 1"  # profile, no timing, one point: level 8, high tier
)


@pytest.mark.parametrize(
    ("what", "fields", "record"),
    [
        ("high tier", (PLAIN, SIZE, TOOLS, "0 0 0 0 00"), "81 08 8c 00"),
        ("grey", (PLAIN, SIZE, TOOLS, "0 1 0 0"), "81 08 9c 00"),
        ("deep, sRGB", (PLAIN, SIZE, TOOLS, "1 0 1", "00000001 00001101 00000000"), "81 08 c0 00"),
        ("described", (PLAIN, SIZE, TOOLS, "0 0 1", "00000001" * 3, "0 01"), "81 08 8d 00"),
        ("4:4:4", ("001" + PLAIN[3:], SIZE, TOOLS, "0 0 0"), "81 28 80 00"),
        ("4:2:2", ("010" + PLAIN[3:], SIZE, TOOLS, "0 0 0 0"), "81 48 88 00"),
        ("twelve bits", ("010" + PLAIN[3:], SIZE, TOOLS, "1 1 0 0 0 1 1 10"), "81 48 ee 00"),
        (
            "everything",
            (
                "000 0 0",
                "1" + "0" * 64 + "1 010" + "1 00011" + "0" * 42,  # timing, model: 4 bits of delay
                "1 00001",  # display delays; two points
                "000000000000 00101 1" + "0" * 9 + "1 0011",
                "000000000001 01001 0 0 0",
                SIZE,
                "1 0000000",  # frame ids
                "000 0000 1 00 0 1 0 0 011 000",  # ordered; forced screen content, integer motion
                "0 0 0 0 00",
            ),
            "81 05 0c 00",
        ),
    ],
)  # fmt: skip
def test_every_sequence_header_is_read(what: str, fields: tuple[str, ...], record: str) -> None:
    under_test = assembler("AV1")
    frame = pushed(under_test, [packet(header_of(*fields), KEY)])
    assert frame is not None, what
    assert (frame.width, frame.height) == (1280, 720)
    assert under_test.private[:4] == bytes.fromhex(record)


@pytest.mark.parametrize(
    "sequence",
    [
        b"\x08",
        SEQUENCE[:-4],
        b"\x08\x18" + SEQUENCE[2:],  # a still picture
        SEQUENCE + bytes(500),  # longer than a header has room for
    ],
)
def test_a_sequence_header_that_makes_no_sense_begins_nothing(sequence: bytes) -> None:
    under_test = assembler("AV1")
    assert pushed(under_test, [packet(sequence, KEY)]) is None
    assert (under_test.needs_key, under_test.skipped) == (True, 1)


@pytest.mark.parametrize(
    "elements",
    [
        (KEY,),  # no sequence header
        (SEQUENCE, DELTA),
        (SEQUENCE, b"\x30\x00hidden"),
        (SEQUENCE, b"\x30\x90shown again"),
        (SEQUENCE, b"\x30"),
    ],
)
def test_what_is_no_key_frame_begins_nothing(elements: tuple[bytes, ...]) -> None:
    under_test = assembler("AV1")
    assert pushed(under_test, [packet(*elements)]) is None
    assert (under_test.needs_key, under_test.skipped) == (True, 1)


def test_a_sequence_header_alone_is_no_frame() -> None:
    under_test = begun()
    assert pushed(under_test, [packet(SEQUENCE)]) is None
    assert (under_test.skipped, under_test.needs_key) == (0, False)


@pytest.mark.parametrize(
    ("what", "payload"),
    [
        ("a length longer than the packet", b"\x00\x20" + DELTA),
        ("a length without an end", b"\x00" + b"\xff" * 9),
        ("fewer OBUs than announced", b"\x30" + leb128(len(DELTA)) + DELTA),
        ("a size longer than the OBU", packet(b"\x32\x7f" + DELTA[1:])),
        ("a size without an end", packet(b"\x32\xff")),
        ("an extension that is not there", packet(b"\x36")),
        ("an OBU without its beginning", packet(DELTA, goes_on_from=True)),
        ("an OBU without its end", packet(DELTA, goes_on=True)),
    ],
)
def test_a_malformed_packet_costs_the_frames_until_a_key_frame(what: str, payload: bytes) -> None:
    under_test = begun()
    assert pushed(under_test, [payload]) is None, what
    assert under_test.needs_key
    assert pushed(under_test, [packet(DELTA)]) is None
    assert pushed(under_test, [packet(SEQUENCE, KEY)]) is not None


def test_an_obu_in_parts_is_not_interrupted() -> None:
    under_test = begun()
    payloads = [packet(DELTA, goes_on=True), packet(DELTA), packet(DELTA, goes_on_from=True)]
    assert pushed(under_test, payloads) is None
    assert under_test.needs_key
