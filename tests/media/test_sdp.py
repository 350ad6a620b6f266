"""The offer is of one shape, and only an answer to it is an answer."""

import re
from collections.abc import Sequence

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, VideoStreamTrack
from aiortc.sdp import SessionDescription
from hypothesis import given
from hypothesis import strategies as st

from media.node.codecs import CODECS, Codec
from media.node.sdp import (
    MAX_SDP_BYTES,
    Announced,
    BadAnswer,
    SlotSsrcs,
    read_answer,
    write_offer,
)

FINGERPRINT = ":".join(["AB"] * 32)
OTHER_FINGERPRINT = ":".join(["CD"] * 32)


def offer(
    *hosts: str,
    slots: int = 1,
    tcp: bool = False,
    version: int = 1,
    codecs: Sequence[Codec] = CODECS,
) -> str:
    """An offer as the node makes it; slot n has the SSRCs 10n + 11 to 10n + 15."""
    return write_offer(
        session_id=1,
        version=version,
        ufrag="abcd1234",
        password="0123456789abcdef0123456789abcdef",
        fingerprint=FINGERPRINT,
        addresses=[(host, 3478) for host in hosts or ("127.0.0.1",)],
        tcp=tcp,
        slots=[SlotSsrcs(*range(10 * n + 11, 10 * n + 16)) for n in range(slots)],
        codecs=codecs,
    )


def transport_lines(mid: int, setup: str = "active") -> list[str]:
    """What Chromium writes into each section of an answer about the path."""
    return [
        "c=IN IP4 0.0.0.0",
        "a=rtcp:9 IN IP4 0.0.0.0",
        "a=candidate:1 1 udp 2122260223 192.0.2.7 54321 typ host",
        "a=ice-ufrag:wXyZ",
        "a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa",
        "a=ice-options:trickle",
        f"a=fingerprint:sha-256 {FINGERPRINT}",
        f"a=setup:{setup}",
        f"a=mid:{mid}",
        "a=sendrecv",
        "a=rtcp-mux",
    ]


AUDIO_SECTION = [
    "m=audio 9 UDP/TLS/RTP/SAVPF 63 111",
    *transport_lines(0),
    "a=rtpmap:63 red/48000/2",
    "a=rtpmap:111 opus/48000/2",
    "a=ssrc:1001 cname:near",
]


def video_section(mid: int, media: int, repair: int) -> list[str]:
    """A camera or a screen, in VP8 or H264."""
    return [
        "m=video 9 UDP/TLS/RTP/SAVPF 96 97 102 103",
        *transport_lines(mid),
        "a=rtpmap:96 VP8/90000",
        "a=rtpmap:97 rtx/90000",
        "a=fmtp:97 apt=96",
        "a=rtpmap:102 H264/90000",
        "a=rtpmap:103 rtx/90000",
        "a=fmtp:103 apt=102",
        f"a=ssrc-group:FID {media} {repair}",
        f"a=ssrc:{media} cname:near",
        f"a=ssrc:{repair} cname:near",
    ]


def answer() -> list[str]:
    """The lines of an answer as Chromium gives it."""
    return [
        "v=0",
        "o=- 4611732 2 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE 0 1 2",
        "a=msid-semantic: WMS near",
        *AUDIO_SECTION,
        *video_section(1, 1002, 1003),
        *video_section(2, 1004, 1005),
        "",
    ]


def further_slot(slot: int) -> list[str]:
    """The sections in which the peer only receives."""
    sections = []
    for place, medium in enumerate(("audio 9 UDP/TLS/RTP/SAVPF 63 111", *["video 9 x 96 97"] * 2)):
        lines = transport_lines(3 * slot + place)
        lines[lines.index("a=sendrecv")] = "a=recvonly"
        sections += [f"m={medium}", *lines]
    return sections


def text(lines: list[str]) -> str:
    return "\r\n".join(lines)


def changed(old: str, new: str, times: int = -1) -> str:
    """The answer with `old` replaced (in every section unless `times` is given)."""
    whole = text(answer())
    assert old in whole, "the test changes nothing"
    return whole.replace(old, new, times)


def without(prefix: str) -> str:
    """The answer without the lines that begin so."""
    kept = [line for line in answer() if not line.startswith(prefix)]
    assert len(kept) < len(answer()), "the test removes nothing"
    return text(kept)


# What we offer


def test_the_offer_is_ice_lite_with_one_bundle() -> None:
    session = offer().partition("m=")[0]
    assert "a=ice-lite\r\n" in session
    assert session.count("a=group:BUNDLE 0 1 2\r\n") == 1


def test_every_line_of_the_offer_ends_as_the_rfc_wants() -> None:
    assert offer().endswith("\r\n")
    assert "\n" not in offer().replace("\r\n", "")


def test_each_section_lets_the_peer_be_the_dtls_client_and_names_one_candidate() -> None:
    for section in offer().split("m=")[1:]:
        assert "a=setup:actpass\r\n" in section
        assert "a=rtcp-mux\r\n" in section
        assert section.count("a=candidate:") == 1
        assert " 127.0.0.1 3478 typ host" in section
        assert f"a=fingerprint:sha-256 {FINGERPRINT}\r\n" in section


def test_the_offer_announces_the_far_party_under_our_ssrcs_with_their_repair() -> None:
    audio, camera, screen = offer().split("m=")[1:]
    assert re.findall(r"a=ssrc:(\d+) ", audio) == ["11"]
    assert re.findall(r"a=ssrc:(\d+) ", camera) == ["12", "13"]
    assert re.findall(r"a=ssrc:(\d+) ", screen) == ["14", "15"]
    assert "a=ssrc-group:FID 12 13\r\n" in camera
    assert "a=ssrc-group:FID 14 15\r\n" in screen
    assert "a=fmtp:97 apt=96\r\n" in camera


def test_only_the_first_slot_takes_what_the_party_sends() -> None:
    sections = offer(slots=3).split("m=")[1:]
    directions = [re.findall(r"a=(send\w+)\r", section) for section in sections]
    assert directions == [["sendrecv"]] * 3 + [["sendonly"]] * 6
    assert [re.findall(r"a=mid:(\d+)", section) for section in sections] == [
        [str(mid)] for mid in range(9)
    ]


def test_every_slot_has_streams_and_ssrcs_of_its_own() -> None:
    whole = offer(slots=5)
    ssrcs = re.findall(r"a=ssrc:(\d+) ", whole)
    assert len(ssrcs) == len(set(ssrcs)) == 25
    assert re.findall(r"a=msid:(\S+) ", whole)[:6] == [
        "far-0",
        "far-0",
        "far-0-screen",
        "far-1",
        "far-1",
        "far-1-screen",
    ]


def test_packets_need_no_rewriting_for_a_mid() -> None:
    assert "sdes:mid" not in offer(slots=5)


def test_sound_may_be_redundant_and_pictures_come_in_the_preferred_order() -> None:
    audio, camera, _ = offer(codecs=("AV1", "VP8")).split("m=")[1:]
    assert audio.startswith("audio 3478 UDP/TLS/RTP/SAVPF 63 111\r\n")
    assert "a=fmtp:63 111/111\r\n" in audio
    assert camera.startswith("video 3478 UDP/TLS/RTP/SAVPF 104 105 96 97\r\n")
    assert "H264" not in camera


def test_a_tcp_candidate_is_passive_and_comes_after_udp() -> None:
    camera = offer(tcp=True).split("m=")[2]
    udp, tcp = re.findall(r"a=candidate:\d+ 1 (udp|tcp) (\d+) (.*)\r", camera)
    assert (udp[0], tcp[0]) == ("udp", "tcp")
    assert int(udp[1]) > int(tcp[1])
    assert tcp[2].endswith("typ host tcptype passive")


def test_every_announced_host_is_a_candidate_and_the_first_is_preferred() -> None:
    camera = offer("192.0.2.7", "2001:db8::7").split("m=")[2]
    found = re.findall(r"a=candidate:\d+ 1 udp (\d+) (\S+) 3478", camera)
    assert [host for _, host in found] == ["192.0.2.7", "2001:db8::7"]
    assert int(found[0][0]) > int(found[1][0])


def test_a_later_offer_differs_in_its_version_alone() -> None:
    assert offer(version=2) == offer().replace("o=- 1 1 ", "o=- 1 2 ")


def test_the_offer_parses_with_another_implementation() -> None:
    parsed = SessionDescription.parse(offer(slots=2, tcp=True))
    assert [media.kind for media in parsed.media] == ["audio", "video", "video"] * 2
    assert [media.rtp.muxId for media in parsed.media] == list("012345")
    assert [c.mimeType for c in parsed.media[1].rtp.codecs][::2] == [
        "video/VP8",
        "video/VP9",
        "video/H264",
        "video/AV1",
    ]
    assert all(media.ice.iceLite for media in parsed.media)


def test_an_ipv6_node_says_so() -> None:
    assert "c=IN IP6 ::1\r\n" in offer("::1")
    assert "IP4" not in offer("::1")


# What we accept


def test_an_answer_tells_the_certificate_and_what_will_be_sent() -> None:
    read = read_answer(text(answer()))
    assert read.fingerprint == FINGERPRINT
    assert read.ssrcs == {
        1001: Announced("audio", repair=False),
        1002: Announced("camera", repair=False),
        1003: Announced("camera", repair=True),
        1004: Announced("screen", repair=False),
        1005: Announced("screen", repair=True),
    }


def test_an_answer_tells_what_the_peer_can_read() -> None:
    read = read_answer(text(answer()))
    assert read.codecs == {"VP8", "H264"}
    assert read.reads_red
    assert not read_answer(changed("SAVPF 63 111", "SAVPF 111")).reads_red
    assert read_answer(changed("SAVPF 96 97 102 103", "SAVPF 104 105")).codecs == {"AV1"}


def test_five_slots_are_answered_in_fifteen_sections() -> None:
    lines = answer()[:-1]
    for slot in range(1, 5):
        lines += further_slot(slot)
    assert read_answer(text([*lines, ""]), 5) == read_answer(text(answer()))
    with pytest.raises(BadAnswer, match="15 media sections, the offer had 12"):
        read_answer(text(lines), 4)


def test_what_a_party_sends_stands_in_the_first_slot_only() -> None:
    lines = [*answer()[:-1], *further_slot(1), "a=ssrc:9 cname:near"]
    with pytest.raises(BadAnswer, match="section 5 announces an SSRC but only receives"):
        read_answer(text(lines), 2)


def test_a_party_may_reject_the_screen_and_the_further_slots() -> None:
    lines = [*answer()[:-1], *further_slot(1), ""]
    for at in [at for at, line in enumerate(lines) if line.startswith("m=")][2:]:
        lines[at] = lines[at].replace(" 9 ", " 0 ")
    tracks = {announced.track for announced in read_answer(text(lines), 2).ssrcs.values()}
    assert tracks == {"audio", "camera"}


async def test_the_answer_of_a_real_peer_is_accepted() -> None:
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    try:
        await peer.setRemoteDescription(RTCSessionDescription(offer(), "offer"))
        peer.addTrack(VideoStreamTrack())
        peer.addTrack(AudioStreamTrack())
        made = await peer.createAnswer()
        # Unlike setLocalDescription this opens no socket; aiortc fills in credentials itself.
        read = read_answer(made.sdp)
    finally:
        await peer.close()
    announced = [(a.track, a.repair) for a in read.ssrcs.values()]
    assert sorted(announced)[:3] == [("audio", False), ("camera", False), ("camera", True)]
    assert read.codecs == {"VP8", "H264"}
    assert len(read.fingerprint) == 95


def test_fingerprint_and_credentials_may_stand_once_for_the_session() -> None:
    moved = ("a=ice-ufrag:", "a=ice-pwd:", "a=fingerprint:", "a=setup:")
    lines = [line for line in answer() if not line.startswith(moved)]
    session = [line for line in transport_lines(0) if line.startswith(moved)]
    assert read_answer(text(lines[:4] + session + lines[4:])).fingerprint == FINGERPRINT


def test_a_lower_case_fingerprint_is_the_same_one() -> None:
    assert read_answer(changed(FINGERPRINT, FINGERPRINT.lower())).fingerprint == FINGERPRINT


def test_bare_newlines_are_read_too() -> None:
    assert read_answer("\n".join(answer())) == read_answer(text(answer()))


def test_a_party_that_only_listens_announces_nothing() -> None:
    quiet = [line for line in answer() if not line.startswith("a=ssrc")]
    assert read_answer(text(quiet)).ssrcs == {}


def test_a_party_may_decline_retransmissions() -> None:
    assert read_answer(changed("SAVPF 96 97 102 103", "SAVPF 96"))


def test_candidates_of_the_peer_are_not_read() -> None:
    nonsense = changed("a=candidate:1 1 udp 2122260223 192.0.2.7 54321", "a=candidate:\x00 -1 x")
    assert read_answer(nonsense) == read_answer(text(answer()))


# What we refuse

REFUSALS = {
    "empty": ("", "v=0"),
    "not SDP": ("{}", "v=0"),
    "too long": (text(answer()) + "a=x:" + "y" * MAX_SDP_BYTES, "longer than 49152 bytes"),
    "too long in bytes, not in characters": (text(answer()) + "a=x:" + "窗" * 20_000, "longer"),
    "200 media sections": (
        text(["v=0"] + ["m=video 9 UDP/TLS/RTP/SAVPF 96"] * 200),
        "200 media sections, at most 15",
    ),
    "no media section": ("v=0\r\n", "0 media sections"),
    "a fourth media section": (
        text([*answer()[:-1], "m=video 9 UDP/TLS/RTP/SAVPF 96", *transport_lines(3)]),
        "4 media sections, the offer had 3",
    ),
    "video before audio": (
        text([*answer()[:6], *video_section(0, 1, 2), *AUDIO_SECTION, *video_section(2, 4, 5)]),
        "section 0 is not audio",
    ),
    "audio rejected": (changed("m=audio 9", "m=audio 0"), "section 0 (audio) was rejected"),
    "video rejected": (changed("m=video 9", "m=video 0", 1), "section 1 (video) was rejected"),
    "a media line cut short": (
        changed("m=audio 9 UDP/TLS/RTP/SAVPF 63 111", "m=audio"),
        "not audio",
    ),
    "a payload type of another codec": (
        changed("SAVPF 63 111", "SAVPF 63 111 0"),
        "section 0 has payload types we did not offer",
    ),
    "sound in a video codec": (
        changed("SAVPF 63 111", "SAVPF 63 111 96"),
        "section 0 has payload types we did not offer",
    ),
    "a payload type that is no number": (
        changed("SAVPF 63 111", "SAVPF 63 111 +111"),
        "section 0 has payload types we did not offer",
    ),
    "redundancy of nothing": (
        changed("SAVPF 63 111", "SAVPF 63"),
        "section 0 does not accept payload type 111",
    ),
    "only the repair payload type": (
        changed("SAVPF 96 97 102 103", "SAVPF 97", 1),
        "section 1 accepts no video codec",
    ),
    "no fingerprint": (without("a=fingerprint"), "a=fingerprint"),
    "a short fingerprint": (changed(FINGERPRINT, FINGERPRINT[:-3]), "a=fingerprint"),
    "another hash": (changed("sha-256", "sha-1"), "a=fingerprint"),
    "two certificates": (
        changed(FINGERPRINT, OTHER_FINGERPRINT, 1),
        "a=fingerprint differs between bundled media sections",
    ),
    "no user fragment": (without("a=ice-ufrag"), "a=ice-ufrag"),
    "an empty user fragment": (changed("a=ice-ufrag:wXyZ", "a=ice-ufrag:"), "a=ice-ufrag"),
    "no password": (without("a=ice-pwd"), "a=ice-pwd"),
    "no mid": (without("a=mid"), "section 0 lacks a=mid:0"),
    "mids exchanged": (changed("a=mid:1", "a=mid:0"), "section 1 lacks a=mid:1"),
    "no rtcp-mux": (without("a=rtcp-mux"), "section 0 lacks a=rtcp-mux"),
    "no setup": (without("a=setup"), "a=setup is not active"),
    "a peer that waits for us": (changed("a=setup:active", "a=setup:passive"), "a=setup"),
    "a peer that leaves it open": (changed("a=setup:active", "a=setup:actpass"), "a=setup"),
    "our own offer": (offer(), "a=setup is not active"),
    "an SSRC that is no number": (changed("a=ssrc:1001", "a=ssrc:x"), "a=ssrc"),
    "no SSRC at all": (changed("a=ssrc:1001 cname:near", "a=ssrc:"), "a=ssrc"),
    "an SSRC of zero": (changed("a=ssrc:1001", "a=ssrc:0"), "a=ssrc is not a 32-bit number"),
    "an SSRC of 33 bits": (changed("a=ssrc:1001", f"a=ssrc:{1 << 32}"), "32-bit"),
    "a negative SSRC": (changed("a=ssrc:1001", "a=ssrc:-1"), "32-bit"),
    "an SSRC of 5,000 digits": (changed("a=ssrc:1001", "a=ssrc:" + "9" * 5_000), "a=ssrc"),
    "a group of one": (changed("FID 1002 1003", "FID 1002"), "a=ssrc-group"),
    "one SSRC for both": (
        changed("a=ssrc:1002", "a=ssrc:1001"),
        "a=ssrc:1001 stands for two tracks",
    ),
    "more SSRCs than four": (
        text([*answer()[:-1], *(f"a=ssrc:{ssrc} cname:x" for ssrc in range(1, 6))]),
        "at most 4",
    ),
}


@pytest.mark.parametrize("reason", REFUSALS)
def test_what_is_not_an_answer_to_our_offer_is_refused_with_the_line_at_fault(reason: str) -> None:
    sdp, words = REFUSALS[reason]
    with pytest.raises(BadAnswer, match=re.escape(words)):
        read_answer(sdp)


def refuses_or_reads(sdp: str) -> None:
    """Anything but BadAnswer fails the test; what is read is safe to use."""
    try:
        read = read_answer(sdp)
    except BadAnswer:
        return
    assert re.fullmatch(r"([0-9A-F]{2}:){31}[0-9A-F]{2}", read.fingerprint)
    assert all(0 < ssrc < 1 << 32 for ssrc in read.ssrcs)
    assert len(read.ssrcs) <= 12


@given(st.text())
def test_arbitrary_text_is_refused_and_nothing_else(sdp: str) -> None:
    with pytest.raises(BadAnswer):
        read_answer(sdp)


@given(st.lists(st.sampled_from(answer() + offer().split("\r\n")), max_size=60))
def test_lines_in_any_order_are_refused_or_read(lines: list[str]) -> None:
    refuses_or_reads(text(["v=0", *lines]))


@given(st.data())
def test_an_answer_with_a_line_replaced_is_refused_or_read(data: st.DataObject) -> None:
    lines = answer()
    at = data.draw(st.integers(0, len(lines) - 1))
    prefix = lines[at][: data.draw(st.integers(0, len(lines[at])))]
    lines[at] = prefix + data.draw(st.text(st.characters(codec=None), max_size=20))
    refuses_or_reads(text(lines))


@given(st.data())
def test_an_answer_with_a_part_cut_out_is_refused_or_read(data: st.DataObject) -> None:
    whole = text(answer())
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, len(whole)))
    refuses_or_reads(whole[:start] + whole[end:])
