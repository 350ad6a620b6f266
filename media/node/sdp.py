"""What do we offer to a party, and is what came back an answer to it?

The node always offers and its offer is always of this one shape, so reading the answer is
checking it (RFC 8829, RFC 8866). Candidates of the peer are ignored on purpose: a peer's address
is learned from its authenticated binding requests only (docs/decisions/0003).
"""

import re
from dataclasses import dataclass
from typing import Literal

MAX_SDP_BYTES = 16 * 1024
MAX_MEDIA_SECTIONS = 4

Kind = Literal["audio", "video", "rtx"]

OPUS, VP8, RTX = 111, 96, 97
KIND_OF_PAYLOAD_TYPE: dict[int, Kind] = {OPUS: "audio", VP8: "video", RTX: "rtx"}
CLOCK_RATE_HZ: dict[Kind, int] = {"audio": 48_000, "video": 90_000, "rtx": 90_000}

_EXTENSIONS = (
    (1, "urn:ietf:params:rtp-hdrext:sdes:mid"),
    (2, "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"),
    (3, "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"),
)
_SECTIONS: tuple[tuple[str, tuple[int, ...]], ...] = (("audio", (OPUS,)), ("video", (VP8, RTX)))
_CODEC_LINES = {
    "audio": (
        f"a=rtpmap:{OPUS} opus/48000/2",
        f"a=rtcp-fb:{OPUS} transport-cc",
        f"a=fmtp:{OPUS} minptime=10;useinbandfec=1",
    ),
    "video": (
        f"a=rtpmap:{VP8} VP8/90000",
        f"a=rtcp-fb:{VP8} goog-remb",
        f"a=rtcp-fb:{VP8} transport-cc",
        f"a=rtcp-fb:{VP8} ccm fir",
        f"a=rtcp-fb:{VP8} nack",
        f"a=rtcp-fb:{VP8} nack pli",
        f"a=rtpmap:{RTX} rtx/90000",
        f"a=fmtp:{RTX} apt={VP8}",
    ),
}


class BadAnswer(ValueError):  # noqa: N818 - named for what it is, as RFC 3264 does
    """The SDP is not an answer to our offer; the text names the line at fault."""


@dataclass(frozen=True, slots=True)
class LegSsrcs:
    """The SSRCs under which a party receives the other one; ours, so they outlive the source."""

    audio: int
    video: int
    rtx: int

    def of(self, kind: Kind) -> int:
        """The SSRC for packets of this kind."""
        return self.audio if kind == "audio" else self.video if kind == "video" else self.rtx


@dataclass(frozen=True, slots=True)
class Answer:
    """What the node needs to know of a peer: its certificate and what it will send."""

    fingerprint: str
    kind_of_ssrc: dict[int, Kind]


def write_offer(
    *,
    session_id: int,
    ufrag: str,
    password: str,
    fingerprint: str,
    address: tuple[str, int],
    leg: LegSsrcs,
) -> str:
    """The SDP offer for one party of a two-party call.

    `address` is the announced host and UDP port. Payload types and header extension ids are the
    same for every party, so that packets and congestion feedback pass from one to the other.
    """
    host, port = address
    family = "IP6" if ":" in host else "IP4"
    lines = [
        "v=0",
        f"o=- {session_id} 1 IN {family} {host}",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE 0 1",
        "a=msid-semantic: WMS far",
        "a=ice-lite",
    ]
    for mid, (medium, payload_types) in enumerate(_SECTIONS):
        lines += [
            f"m={medium} {port} UDP/TLS/RTP/SAVPF {' '.join(map(str, payload_types))}",
            f"c=IN {family} {host}",
            f"a=rtcp:{port} IN {family} {host}",
            f"a=ice-ufrag:{ufrag}",
            f"a=ice-pwd:{password}",
            f"a=fingerprint:sha-256 {fingerprint}",
            "a=setup:actpass",
            f"a=mid:{mid}",
            *(f"a=extmap:{number} {uri}" for number, uri in _EXTENSIONS),
            f"a=msid:far {medium}",
            "a=sendrecv",
            "a=rtcp-mux",
            "a=rtcp-rsize",
            *_CODEC_LINES[medium],
        ]
        if medium == "audio":
            lines.append(f"a=ssrc:{leg.audio} cname:far")
        else:
            lines += [
                f"a=ssrc-group:FID {leg.video} {leg.rtx}",
                f"a=ssrc:{leg.video} cname:far",
                f"a=ssrc:{leg.rtx} cname:far",
            ]
        lines += [f"a=candidate:1 1 udp 2130706431 {host} {port} typ host", "a=end-of-candidates"]
    return "\r\n".join(lines) + "\r\n"


_FINGERPRINT = re.compile(r"^([0-9A-Fa-f]{2}:){31}[0-9A-Fa-f]{2}$")


def read_answer(text: str) -> Answer:
    """Check an SDP answer to `write_offer`'s offer. Raises BadAnswer."""
    if len(text.encode(errors="replace")) > MAX_SDP_BYTES:
        raise BadAnswer(f"SDP is longer than {MAX_SDP_BYTES} bytes")
    lines = text.replace("\r\n", "\n").split("\n")
    if lines[0] != "v=0":
        raise BadAnswer("SDP does not begin with v=0")
    starts = [number for number, line in enumerate(lines) if line.startswith("m=")]
    if len(starts) > MAX_MEDIA_SECTIONS:
        raise BadAnswer(f"SDP has {len(starts)} media sections, at most {MAX_MEDIA_SECTIONS}")
    if len(starts) != len(_SECTIONS):
        raise BadAnswer(f"SDP has {len(starts)} media sections, the offer had {len(_SECTIONS)}")
    session = lines[: starts[0]]
    fingerprints: set[str] = set()
    kind_of_ssrc: dict[int, Kind] = {}
    for index, (medium, offered) in enumerate(_SECTIONS):
        end = starts[index + 1] if index + 1 < len(starts) else len(lines)
        section = lines[starts[index] : end]
        _check_section(index, medium, offered, section)
        fingerprints.add(_fingerprint(section, session))
        for ssrc, kind in _ssrcs(medium, section).items():
            if kind_of_ssrc.setdefault(ssrc, kind) != kind:
                raise BadAnswer(f"a=ssrc:{ssrc} stands for audio and for video")
    if len(fingerprints) != 1:
        raise BadAnswer("a=fingerprint differs between bundled media sections")
    return Answer(fingerprints.pop(), kind_of_ssrc)


def _check_section(index: int, medium: str, offered: tuple[int, ...], section: list[str]) -> None:
    fields = section[0][2:].split(" ")
    if fields[0] != medium or len(fields) < 4:
        raise BadAnswer(f"media section {index} is not {medium}: {section[0][:80]}")
    if fields[1] == "0":
        raise BadAnswer(f"media section {index} ({medium}) was rejected")
    if str(offered[0]) not in fields[3:]:
        raise BadAnswer(f"media section {index} does not accept payload type {offered[0]}")
    if not set(fields[3:]) <= {str(o) for o in offered}:
        raise BadAnswer(f"media section {index} has payload types we did not offer")
    if f"a=mid:{index}" not in section:
        raise BadAnswer(f"media section {index} lacks a=mid:{index}")
    if "a=rtcp-mux" not in section:
        raise BadAnswer(f"media section {index} lacks a=rtcp-mux")


def _fingerprint(section: list[str], session: list[str]) -> str:
    if _value("setup", section, session) != "active":
        raise BadAnswer("a=setup is not active")
    if not _value("ice-ufrag", section, session) or not _value("ice-pwd", section, session):
        raise BadAnswer("a=ice-ufrag or a=ice-pwd is missing")
    prefix = "a=fingerprint:sha-256 "
    found = next((line for line in [*section, *session] if line.startswith(prefix)), "")
    value = found[len(prefix) :].strip()
    if not _FINGERPRINT.match(value):
        raise BadAnswer("a=fingerprint:sha-256 is missing or malformed")
    return value.upper()


def _value(name: str, *places: list[str]) -> str:
    prefix = f"a={name}:"
    for lines in places:
        for line in lines:
            if line.startswith(prefix):
                return line[len(prefix) :].strip()
    return ""


def _ssrcs(medium: str, section: list[str]) -> dict[int, Kind]:
    """The SSRCs this section announces; those of an FID group's second place are RTX."""
    found: dict[int, Kind] = {}
    try:
        for line in section:
            if line.startswith("a=ssrc:"):
                found.setdefault(
                    int(line[7:].split(" ")[0]), "audio" if medium == "audio" else "video"
                )
        for line in section:
            if line.startswith("a=ssrc-group:FID "):
                _, _, repair = line.partition("FID ")
                found[int(repair.split()[1])] = "rtx"
    except (ValueError, IndexError) as error:
        raise BadAnswer("a=ssrc or a=ssrc-group is malformed") from error
    if any(not 0 < ssrc < 1 << 32 for ssrc in found):
        raise BadAnswer("a=ssrc is not a 32-bit number")
    if len(found) > 4:
        raise BadAnswer(f"{medium} announces {len(found)} SSRCs, at most 4")
    return found
