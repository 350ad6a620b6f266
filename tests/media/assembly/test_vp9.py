"""VP9 packets become the pictures that were sent, those of several layers too."""

import pytest
from av import VideoFrame
from av.codec.context import CodecContext
from av.packet import Packet

from media.records.assembly import assembler
from tests.media.assembly.packetise import HEIGHT, WIDTH, encoded, vp9_payloads
from tests.media.assembly.track import framed, pushed

KEY = b"\x82\x49\x83\x42\x00\x13\xf0\x0e\xf0" + bytes(8)  # 320x240, does not decode


def test_a_key_frame_says_its_size() -> None:
    frame = framed("VP9", [b"\x0c" + KEY])
    assert frame is not None
    assert (frame.key, frame.width, frame.height, frame.payload) == (True, 320, 240, KEY)


@pytest.mark.parametrize(
    ("what", "descriptor"),
    [
        ("shortest", b"\x0c"),
        ("short picture id", b"\x8c\x11"),
        ("long picture id", b"\x8c\x91\x22"),
        ("layers with TL0PICIDX", b"\x2c\x20\x05"),
        ("layers in flexible mode", b"\x3c\x20"),
        ("references in flexible mode", b"\x5c\x03\x05\x02"),
        ("most references in flexible mode", b"\x5c\x03\x05\x03"),
        ("a structure without anything", b"\x0e\x00"),
        ("a structure with sizes", b"\x0e\x30\x01\x40\x00\xf0\x02\x80\x01\xe0"),
        ("a structure with a group", b"\x0e\x08\x03\x00\x04\x01\x08\x01\x02"),
        ("everything", b"\xfe\x91\x22\x20\x03\x02\x18\x01\x40\x00\xf0\x01\x04\x01"),
    ],
)
def test_every_payload_descriptor_is_taken_off(what: str, descriptor: bytes) -> None:
    frame = framed("VP9", [descriptor + KEY])
    assert frame is not None, what
    assert frame.payload == KEY


@pytest.mark.parametrize(
    "payload",
    [
        b"\x0c",
        b"\x8c",
        b"\x8c\x91",
        b"\x2c",
        b"\x5c\x03",
        b"\x0e",
        b"\x0e\x30\x01",
        b"\x0e\x08\x03",
    ],
)
def test_a_descriptor_cut_short_is_no_frame(payload: bytes) -> None:
    assert framed("VP9", [payload]) is None


def test_a_descriptor_cut_short_costs_the_frame_around_it() -> None:
    assert framed("VP9", [b"\x08" + KEY, b"\x8c", b"\x04" + bytes(9)]) is None


@pytest.mark.parametrize(
    ("profile", "header"),
    [
        # Marker 10, profile (low bit first), [reserved], show_existing, frame_type, two flags,
        # sync code, [deep], colour space, range or subsampling, width - 1, height - 1.
        (0, "10 00 0 0 10" + f"{0x498342:024b}" + "010 0"),
        (1, "10 10 0 0 10" + f"{0x498342:024b}" + "010 0 110"),
        (1, "10 10 0 0 10" + f"{0x498342:024b}" + "111 0"),
        (2, "10 01 0 0 10" + f"{0x498342:024b}" + "0 010 1"),
        (3, "10 11 0 0 0 10" + f"{0x498342:024b}" + "1 010 0 010"),
    ],
)
def test_the_size_is_read_in_every_profile(profile: int, header: str) -> None:
    bits = (header + f"{1279:016b}{719:016b}").replace(" ", "")
    frame = int(bits.ljust(160, "0"), 2).to_bytes(20, "big")
    found = framed("VP9", [b"\x0c" + frame])
    assert found is not None, profile
    assert (found.width, found.height) == (1280, 720)


@pytest.mark.parametrize(
    "frame",
    [
        b"\x86" + KEY[1:],  # an inter frame
        b"\x8a" + KEY[1:],  # an existing frame shown again
        b"\x42" + KEY[1:],  # not VP9
        b"\x82\x49\x83\x43" + KEY[4:],  # no sync code
        KEY[:7],  # no size
    ],
)
def test_what_is_no_key_frame_begins_nothing(frame: bytes) -> None:
    under_test = assembler("VP9")
    assert pushed(under_test, [b"\x0c" + frame]) is None
    assert (under_test.needs_key, under_test.skipped) == (True, 1)


def layered(*layers: bytes) -> list[bytes]:
    payloads: list[bytes] = []
    for number, layer in enumerate(layers):
        payloads += vp9_payloads(layer, 700, layer=number)
    return payloads


def test_the_layers_of_a_picture_become_a_superframe() -> None:
    """Taken apart again by another implementation."""
    layers = encoded("VP9")[0], encoded("VP9")[1], encoded("VP9")[2]
    frame = framed("VP9", layered(*layers))
    assert frame is not None
    assert (frame.key, frame.width, frame.height) == (True, WIDTH, HEIGHT)
    decoder = CodecContext.create("vp9", "r")
    pictures = [p for p in decoder.decode(Packet(frame.payload)) if isinstance(p, VideoFrame)]
    pictures += [p for p in decoder.decode(None) if isinstance(p, VideoFrame)]
    assert len(pictures) == 3


def test_a_picture_of_layers_is_as_big_as_its_last_one() -> None:
    structure = b"\x32\x01\x40\x00\xf0\x02\x80\x01\xe0"  # two layers: 320x240, 640x480
    base = b"\x2e\x00\x05" + b"\x30" + structure[1:] + KEY
    top = b"\x2c\x02\x05" + b"\x86" + bytes(30)
    frame = framed("VP9", [base, top])
    assert frame is not None
    assert (frame.key, frame.width, frame.height) == (True, 640, 480)


def test_a_layer_without_its_base_is_nothing() -> None:
    under_test = assembler("VP9")
    assert pushed(under_test, layered(*encoded("VP9")[:2])[-1:]) is None
    assert under_test.needs_key


def test_more_layers_than_an_index_holds_are_nothing() -> None:
    payloads = [b"\x28" + bytes((0, 5)) + KEY]
    payloads += [b"\x28" + bytes((2, 5)) + KEY for _ in range(8)]
    under_test = assembler("VP9")
    assert pushed(under_test, payloads) is None
    assert under_test.needs_key
