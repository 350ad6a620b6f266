"""The offer is of one shape, and only an answer to it is an answer."""

import re

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, VideoStreamTrack
from aiortc.sdp import SessionDescription
from hypothesis import given
from hypothesis import strategies as st

from media.node.sdp import BadAnswer, LegSsrcs, read_answer, write_offer

FINGERPRINT = ":".join(["AB"] * 32)
OTHER_FINGERPRINT = ":".join(["CD"] * 32)


def offer(host: str = "127.0.0.1") -> str:
    """An offer as the node makes it."""
    return write_offer(
        session_id=1,
        ufrag="abcd1234",
        password="0123456789abcdef0123456789abcdef",
        fingerprint=FINGERPRINT,
        address=(host, 3478),
        leg=LegSsrcs(11, 12, 13),
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


def answer() -> list[str]:
    """The lines of an answer as Chromium gives it."""
    return [
        "v=0",
        "o=- 4611732 2 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE 0 1",
        "a=msid-semantic: WMS near",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111",
        *transport_lines(0),
        "a=rtpmap:111 opus/48000/2",
        "a=ssrc:1001 cname:near",
        "m=video 9 UDP/TLS/RTP/SAVPF 96 97",
        *transport_lines(1),
        "a=rtpmap:96 VP8/90000",
        "a=rtpmap:97 rtx/90000",
        "a=fmtp:97 apt=96",
        "a=ssrc-group:FID 1002 1003",
        "a=ssrc:1002 cname:near",
        "a=ssrc:1003 cname:near",
        "",
    ]


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
    assert session.count("a=group:BUNDLE 0 1\r\n") == 1


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
    audio, video = offer().split("m=")[1:]
    assert re.findall(r"a=ssrc:(\d+) ", audio) == ["11"]
    assert re.findall(r"a=ssrc:(\d+) ", video) == ["12", "13"]
    assert "a=ssrc-group:FID 12 13\r\n" in video
    assert "a=fmtp:97 apt=96\r\n" in video


def test_the_offer_parses_with_another_implementation() -> None:
    parsed = SessionDescription.parse(offer())
    assert [media.kind for media in parsed.media] == ["audio", "video"]
    assert [media.rtp.muxId for media in parsed.media] == ["0", "1"]
    assert all(media.ice.iceLite for media in parsed.media)


def test_an_ipv6_node_says_so() -> None:
    assert "c=IN IP6 ::1\r\n" in offer("::1")
    assert "IP4" not in offer("::1")


# What we accept


def test_an_answer_tells_the_certificate_and_what_will_be_sent() -> None:
    read = read_answer(text(answer()))
    assert read.fingerprint == FINGERPRINT
    assert read.kind_of_ssrc == {1001: "audio", 1002: "video", 1003: "rtx"}


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
    assert sorted(read.kind_of_ssrc.values()) == ["audio", "rtx", "video"]
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
    assert read_answer(text(quiet)).kind_of_ssrc == {}


def test_a_party_may_decline_retransmissions() -> None:
    assert read_answer(changed("SAVPF 96 97", "SAVPF 96"))


def test_candidates_of_the_peer_are_not_read() -> None:
    nonsense = changed("a=candidate:1 1 udp 2122260223 192.0.2.7 54321", "a=candidate:\x00 -1 x")
    assert read_answer(nonsense) == read_answer(text(answer()))


# What we refuse

REFUSALS = {
    "empty": ("", "v=0"),
    "not SDP": ("{}", "v=0"),
    "too long": (text(answer()) + "a=x:" + "y" * 16_384, "longer than 16384 bytes"),
    "too long in bytes, not in characters": (text(answer()) + "a=x:" + "窗" * 6_000, "longer"),
    "200 media sections": (
        text(["v=0"] + ["m=video 9 UDP/TLS/RTP/SAVPF 96"] * 200),
        "200 media sections, at most 4",
    ),
    "no media section": ("v=0\r\n", "0 media sections"),
    "a third media section": (
        text([*answer()[:-1], "m=video 9 UDP/TLS/RTP/SAVPF 96", *transport_lines(2)]),
        "3 media sections",
    ),
    "video before audio": (
        text(answer()[:6] + answer()[20:-1] + answer()[6:20]),
        "section 0 is not audio",
    ),
    "audio rejected": (changed("m=audio 9", "m=audio 0"), "section 0 (audio) was rejected"),
    "video rejected": (changed("m=video 9", "m=video 0"), "section 1 (video) was rejected"),
    "a media line cut short": (changed("m=audio 9 UDP/TLS/RTP/SAVPF 111", "m=audio"), "not audio"),
    "a payload type of another codec": (
        changed("SAVPF 111", "SAVPF 111 0"),
        "section 0 has payload types we did not offer",
    ),
    "only the repair payload type": (
        changed("SAVPF 96 97", "SAVPF 97"),
        "section 1 does not accept payload type 96",
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
    "one SSRC for both": (changed("a=ssrc:1002", "a=ssrc:1001"), "for audio and for video"),
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
    assert all(0 < ssrc < 1 << 32 for ssrc in read.kind_of_ssrc)
    assert len(read.kind_of_ssrc) <= 8


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
