"""H.264 packets become the access units that were sent, in the form Matroska wants."""

import pytest

from media.records.assembly import Assembler, assembler
from tests.media.assembly.packetise import (
    HEIGHT,
    WIDTH,
    encoded,
    expected,
    h264_payloads,
    packets_of,
    units,
)
from tests.media.assembly.track import Track, decoded, framed, pushed

# As Chromium's encoder writes them: 320x240, Constrained Baseline.
SPS = bytes.fromhex("6742c0158c8d40a0f937010d010784423500")
PPS = bytes.fromhex("68ce3c80")
IDR, SLICE, SECOND_SLICE = b"\x65\x88picture", b"\x41\x9apicture", b"\x65\x48more"


def together(*found: bytes) -> bytes:
    """A STAP-A packet."""
    return b"\x78" + b"".join(len(unit).to_bytes(2, "big") + unit for unit in found)


def begun() -> Assembler:
    """An assembler that has its key frame."""
    under_test = assembler("H264")
    assert pushed(under_test, [together(SPS, PPS), IDR]) is not None
    return under_test


def lengthy(*found: bytes) -> bytes:
    return b"".join(len(unit).to_bytes(4, "big") + unit for unit in found)


def test_a_key_frame_says_its_size_and_its_parameter_sets() -> None:
    under_test = assembler("H264")
    frame = pushed(under_test, [together(SPS, PPS), IDR])
    assert frame is not None
    assert (frame.key, frame.width, frame.height) == (True, 320, 240)
    assert frame.payload == lengthy(SPS, PPS, IDR)
    assert under_test.private == (b"\x01\x42\xc0\x15\xff\xe1\x00\x12" + SPS + b"\x01\x00\x04" + PPS)


@pytest.mark.parametrize("profile", ["baseline", "main", "high", "high10", "high422", "high444"])
def test_every_profile_is_described(profile: str) -> None:
    """The size is read, cropped, and the avcC record is one that another decoder takes."""
    formats = {"high10": "yuv420p10le", "high422": "yuv422p", "high444": "yuv444p"}
    frames = encoded("H264", 3, profile=profile, pixels=formats.get(profile, "yuv420p"))
    track = Track("H264")
    track.take(packets_of("H264", frames))
    assert (track.frames[0].width, track.frames[0].height) == (WIDTH, HEIGHT)
    pictures = decoded(track.file())
    assert len(pictures) == 3
    assert pictures[0].format.name == formats.get(profile, "yuv420p")


@pytest.mark.parametrize(
    "options",
    [
        {"x264-params": "fake-interlaced=1", "profile": "main"},
        {"x264-params": "cqm=jvt:8x8dct=1", "profile": "high"},
    ],
    ids=["fields", "scaling lists"],
)
def test_rare_parameters_are_read_past(options: dict[str, str]) -> None:
    track = Track("H264")
    track.take(packets_of("H264", encoded("H264", 3, **options)))
    assert (track.frames[0].width, track.frames[0].height) == (WIDTH, HEIGHT)
    assert len(decoded(track.file())) == 3


def test_emulation_prevention_is_no_part_of_the_parameters() -> None:
    """Level 0 and a high number of the set bring 00 00 03 before the size: 320x240."""
    bits = (
        "0000001000000" + "1" + "1" + "1" + "010" + "0" + "000010100" + "0001111" + "1" + "1" + "0"
    )
    body = int(bits.ljust(64, "0"), 2).to_bytes(8, "big")
    frame = framed("H264", [b"\x67\x42\x00\x00\x03" + body, PPS, IDR])
    assert frame is not None
    assert (frame.width, frame.height) == (320, 240)


@pytest.mark.parametrize(
    ("profile", "pixels", "end"),
    [
        ("main", "yuv420p", b""),
        ("high", "yuv420p", b"\xfd\xf8\xf8\x00"),
        ("high10", "yuv420p10le", b"\xfd\xfa\xfa\x00"),
        ("high422", "yuv422p", b"\xfe\xf8\xf8\x00"),
    ],
)
def test_high_profiles_say_their_colours(profile: str, pixels: str, end: bytes) -> None:
    """ISO/IEC 14496-15 section 5.3.3.1.2: four bytes more behind the parameter sets."""
    track = Track("H264")
    parameters = {"x264-params": "8x8dct=1" if profile == "high" else "cabac=1"}
    frame = encoded("H264", 1, profile=profile, pixels=pixels, **parameters)
    track.take(packets_of("H264", frame))
    pps = next(unit for unit in units(frame[0]) if unit[0] & 0x1F == 8)
    assert track.private.partition(pps)[2] == end


def test_a_picture_of_several_slices_comes_whole() -> None:
    frames = encoded("H264", 6, **{"x264-params": "slices=4"})
    assert sum(unit[0] & 0x1F == 5 for unit in units(frames[0])) > 1
    track = Track("H264")
    track.take(packets_of("H264", frames, 400))
    assert track.payloads == [expected("H264", frame) for frame in frames]
    assert len(decoded(track.file())) == 6


def test_a_picture_whose_first_slice_is_missing_is_no_key_frame() -> None:
    under_test = begun()
    assert pushed(under_test, [SECOND_SLICE], gap=True) is None
    assert under_test.needs_key


def test_delimiters_and_filler_are_left_out() -> None:
    frame = framed("H264", [b"\x09\xf0", together(SPS, PPS, b"\x0c\xff\xff\x80"), IDR])
    assert frame is not None
    assert frame.payload == lengthy(SPS, PPS, IDR)


def test_parameter_sets_alone_are_no_frame() -> None:
    under_test = begun()
    assert pushed(under_test, [together(SPS, PPS)]) is None
    assert (under_test.skipped, under_test.needs_key) == (0, False)
    frame = pushed(under_test, [IDR])
    assert frame is not None
    assert frame.key


def test_parameter_sets_of_before_are_good_for_a_key_frame_after_a_gap() -> None:
    frame = pushed(begun(), [IDR], gap=True)
    assert frame is not None
    assert (frame.key, frame.width) == (True, 320)


def test_padding_is_no_gap() -> None:
    under_test = assembler("H264")
    frame = pushed(under_test, [together(SPS, PPS), b"", IDR])
    assert frame is not None
    assert not under_test.needs_key


@pytest.mark.parametrize(
    ("what", "payload"),
    [
        ("STAP-A with a unit longer than the packet", b"\x78\x00\x09\x41\x9a"),
        ("STAP-A with half a length", b"\x78\x00"),
        ("STAP-A with an empty unit", b"\x78\x00\x00\x00\x02\x41\x9a"),
        ("STAP-A in a STAP-A", together(together(SLICE))),
        ("STAP-B", b"\x79\x00\x00" + SLICE),
        ("FU-B", b"\x7d\x85\x00\x00" + SLICE),
        ("a unit of no kind", b"\x7f" + SLICE),
        ("FU-A without anything", b"\x7c\x81"),
        ("FU-A whose beginning is gone", b"\x7c\x01" + SLICE),
        ("FU-A that is a FU-A", b"\x7c\xdc\x81" + SLICE),
        ("FU-A whose end is missing", b"\x7c\x81" + SLICE),
    ],
)
def test_a_malformed_packet_costs_the_frames_until_a_key_frame(what: str, payload: bytes) -> None:
    under_test = begun()
    assert pushed(under_test, [payload]) is None, what
    assert under_test.needs_key
    assert pushed(under_test, [SLICE]) is None
    assert pushed(under_test, [IDR]) is not None


@pytest.mark.parametrize("between", [b"\x7c\x85\x88again", SLICE, together(SLICE)])
def test_a_unit_in_parts_is_not_interrupted(between: bytes) -> None:
    under_test = begun()
    assert pushed(under_test, [b"\x7c\x81\x9a", between, b"\x7c\x41end"]) is None
    assert under_test.needs_key


@pytest.mark.parametrize(
    "sps",
    [
        SPS[:6],
        b"\x67",
        b"\x67\x42\xc0\x15" + bytes(30),  # numbers without an end
        b"\x67\x42\xc0\x15" + b"\xff" * 400,  # longer than a header has room for
        b"\x67\x64\x00\x1f\x90" + bytes(30),
    ],
)
def test_parameters_that_make_no_sense_begin_nothing(sps: bytes) -> None:
    under_test = assembler("H264")
    assert pushed(under_test, [sps, PPS, IDR]) is None
    assert (under_test.needs_key, under_test.skipped) == (True, 1)


def test_a_picture_cropped_to_nothing_is_none() -> None:
    # Baseline, level 1: 16x16, cropped by 8 chroma samples on the left and none elsewhere.
    bits = "1" + "1" + "1" + "1" + "010" + "0" + "1" + "1" + "1" + "0" + "1" + "0001001" + "111"
    body = int(bits.ljust(48, "0"), 2).to_bytes(6, "big")
    assert framed("H264", [b"\x67\x42\x00\x0a" + body, PPS, IDR]) is None


def test_payloads_of_this_test_have_all_forms() -> None:
    kinds = {p[0] & 0x1F for frame in encoded("H264") for p in h264_payloads(frame, 1100)}
    assert kinds >= {24, 28}
