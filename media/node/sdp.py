"""What do we offer to a party, and is what came back an answer to it?

The node always offers and its offer is always of this one shape: slots of three media sections
(audio, camera, screen). In the first slot the party also sends; each further one carries one more
far party. So reading the answer is checking it (RFC 8829, RFC 8866). Candidates of the peer are
ignored on purpose: a peer's address is learned from its authenticated binding requests only
(docs/decisions/0003). No mid extension is offered: far tracks are told apart by the SSRCs that
the offer announces, so that packets need no rewriting.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from media.node.codecs import (
    CODECS,
    OPUS,
    PAYLOAD_TYPES,
    RED,
    REPAIR,
    TRACKS,
    VIDEO,
    Codec,
    Track,
    lines,
)

MAX_PARTIES = 6
MAX_SLOTS = MAX_PARTIES - 1
MAX_SDP_BYTES = 48 * 1024
MAX_MEDIA_SECTIONS = MAX_SLOTS * len(TRACKS)
MAX_SECTION_SSRCS = 4

Address = tuple[str, int]

_EXTENSIONS = (
    (2, "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"),
    (3, "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"),
)
TRANSPORT_CC_EXTENSION = 3


class BadAnswer(ValueError):  # noqa: N818 - named for what it is, as RFC 3264 does
    """The SDP is not an answer to our offer; the text names the line at fault."""


@dataclass(frozen=True, slots=True)
class SlotSsrcs:
    """The SSRCs under which a far party's tracks are received; ours, so they outlive it."""

    audio: int
    camera: int
    camera_repair: int
    screen: int
    screen_repair: int

    def of(self, track: Track) -> tuple[int, int]:
        """The SSRC of a track and of its repair (0 for sound, which has none)."""
        if track == "audio":
            return self.audio, 0
        if track == "camera":
            return self.camera, self.camera_repair
        return self.screen, self.screen_repair


@dataclass(frozen=True, slots=True)
class Announced:
    """What an SSRC of the peer stands for."""

    track: Track
    repair: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """What the node needs to know of a peer: its certificate, what it sends, what it can read."""

    fingerprint: str
    ssrcs: dict[int, Announced]
    codecs: frozenset[Codec]
    reads_red: bool


def write_offer(
    *,
    session_id: int,
    version: int,
    ufrag: str,
    password: str,
    fingerprint: str,
    addresses: Sequence[Address],
    tcp: bool,
    slots: Sequence[SlotSsrcs],
    codecs: Sequence[Codec],
) -> str:
    """The SDP offer for one party.

    `addresses` are the announced hosts with the port; `tcp` offers passive ICE-TCP (RFC 6544) on
    the same ones. A later offer on the same connection has a higher `version` and no fewer slots.
    """
    host, port = addresses[0]
    family = _family(host)
    mids = range(len(slots) * len(TRACKS))
    text = [
        "v=0",
        f"o=- {session_id} {version} IN {family} {host}",
        "s=-",
        "t=0 0",
        f"a=group:BUNDLE {' '.join(map(str, mids))}",
        "a=msid-semantic: WMS *",
        "a=ice-lite",
    ]
    path = [
        f"a=ice-ufrag:{ufrag}",
        f"a=ice-pwd:{password}",
        f"a=fingerprint:sha-256 {fingerprint}",
        "a=setup:actpass",
    ]
    pictures = [number for c in codecs for number in (VIDEO[c], REPAIR[VIDEO[c]])]
    for slot, ssrcs in enumerate(slots):
        for place, track in enumerate(TRACKS):
            medium, numbers = ("audio", [RED, OPUS]) if track == "audio" else ("video", pictures)
            stream = f"far-{slot}-screen" if track == "screen" else f"far-{slot}"
            text += [
                f"m={medium} {port} UDP/TLS/RTP/SAVPF {' '.join(map(str, numbers))}",
                f"c=IN {family} {host}",
                f"a=rtcp:{port} IN {family} {host}",
                *path,
                f"a=mid:{slot * len(TRACKS) + place}",
                *(f"a=extmap:{number} {uri}" for number, uri in _EXTENSIONS),
                f"a=msid:{stream} {stream}-{track}",
                "a=sendrecv" if slot == 0 else "a=sendonly",
                "a=rtcp-mux",
                "a=rtcp-rsize",
                *(line for number in numbers for line in lines(number)),
                *_ssrc_lines(track, ssrcs, f"far-{slot}"),
                *_candidates(addresses, tcp),
                "a=end-of-candidates",
            ]
    return "\r\n".join(text) + "\r\n"


def _family(host: str) -> str:
    return "IP6" if ":" in host else "IP4"


def _ssrc_lines(track: Track, ssrcs: SlotSsrcs, cname: str) -> list[str]:
    media, repair = ssrcs.of(track)
    if not repair:
        return [f"a=ssrc:{media} cname:{cname}"]
    return [
        f"a=ssrc-group:FID {media} {repair}",
        f"a=ssrc:{media} cname:{cname}",
        f"a=ssrc:{repair} cname:{cname}",
    ]


def _candidates(addresses: Sequence[Address], tcp: bool) -> list[str]:
    """Host candidates; UDP before TCP, the first address before the others (RFC 8445 5.1.2)."""
    found = []
    for number, (host, port) in enumerate(addresses):
        local = 65_535 - number
        udp = 126 << 24 | local << 8 | 255
        found.append(f"a=candidate:{number + 1} 1 udp {udp} {host} {port} typ host")
        if tcp:
            passive = 90 << 24 | local << 8 | 255
            found.append(
                f"a=candidate:{number + 11} 1 tcp {passive} {host} {port} typ host tcptype passive"
            )
    return found


_FINGERPRINT = re.compile(r"^([0-9A-Fa-f]{2}:){31}[0-9A-Fa-f]{2}$")


def read_answer(text: str, slots: int = 1) -> Answer:
    """Check an SDP answer to an offer of `write_offer` with so many slots. Raises BadAnswer."""
    if len(text.encode(errors="replace")) > MAX_SDP_BYTES:
        raise BadAnswer(f"SDP is longer than {MAX_SDP_BYTES} bytes")
    split = text.replace("\r\n", "\n").split("\n")
    if split[0] != "v=0":
        raise BadAnswer("SDP does not begin with v=0")
    starts = [number for number, line in enumerate(split) if line.startswith("m=")]
    offered = slots * len(TRACKS)
    if len(starts) > MAX_MEDIA_SECTIONS:
        raise BadAnswer(f"SDP has {len(starts)} media sections, at most {MAX_MEDIA_SECTIONS}")
    if len(starts) != offered:
        raise BadAnswer(f"SDP has {len(starts)} media sections, the offer had {offered}")
    session = split[: starts[0]]
    fingerprints: set[str] = set()
    ssrcs: dict[int, Announced] = {}
    accepted: dict[int, set[int]] = {}
    for index, start in enumerate(starts):
        track = TRACKS[index % len(TRACKS)]
        end = starts[index + 1] if index + 1 < offered else len(split)
        section = split[start:end]
        numbers = _check_section(index, track, section)
        if not numbers:
            continue
        accepted[index] = numbers
        fingerprints.add(_fingerprint(section, session))
        for ssrc, announced in _ssrcs(track, section).items():
            if index >= len(TRACKS):
                raise BadAnswer(f"media section {index} announces an SSRC but only receives")
            if ssrcs.setdefault(ssrc, announced) != announced:
                raise BadAnswer(f"a=ssrc:{ssrc} stands for two tracks")
    if len(fingerprints) != 1:
        raise BadAnswer("a=fingerprint differs between bundled media sections")
    return Answer(
        fingerprints.pop(),
        ssrcs,
        frozenset(codec for codec in CODECS if VIDEO[codec] in accepted[1]),
        RED in accepted[0],
    )


def _check_section(index: int, track: Track, section: list[str]) -> set[int]:
    """The payload types this section accepts; none if it was rejected, which only some may be."""
    medium = "audio" if track == "audio" else "video"
    fields = section[0][2:].split(" ")
    if fields[0] != medium or len(fields) < 4:
        raise BadAnswer(f"media section {index} is not {medium}: {section[0][:80]}")
    if fields[1] == "0":
        if index < 2:
            raise BadAnswer(f"media section {index} ({medium}) was rejected")
        return set()
    known = {
        str(number): number
        for number, described in PAYLOAD_TYPES.items()
        if (described.codec == "opus") == (medium == "audio")
    }
    if not set(fields[3:]) <= known.keys():
        raise BadAnswer(f"media section {index} has payload types we did not offer")
    numbers = {known[field] for field in fields[3:]}
    if medium == "audio" and OPUS not in numbers:
        raise BadAnswer(f"media section {index} does not accept payload type {OPUS}")
    if medium == "video" and not numbers & set(VIDEO.values()):
        raise BadAnswer(f"media section {index} accepts no video codec")
    if f"a=mid:{index}" not in section:
        raise BadAnswer(f"media section {index} lacks a=mid:{index}")
    if "a=rtcp-mux" not in section:
        raise BadAnswer(f"media section {index} lacks a=rtcp-mux")
    return numbers


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
    for place in places:
        for line in place:
            if line.startswith(prefix):
                return line[len(prefix) :].strip()
    return ""


def _ssrcs(track: Track, section: list[str]) -> dict[int, Announced]:
    """The SSRCs this section announces; those of an FID group's second place are repairs."""
    found: dict[int, Announced] = {}
    try:
        for line in section:
            if line.startswith("a=ssrc:"):
                found.setdefault(int(line[7:].split(" ")[0]), Announced(track, repair=False))
        for line in section:
            if line.startswith("a=ssrc-group:FID "):
                _, _, repair = line.partition("FID ")
                found[int(repair.split()[1])] = Announced(track, repair=True)
    except (ValueError, IndexError) as error:
        raise BadAnswer("a=ssrc or a=ssrc-group is malformed") from error
    if any(not 0 < ssrc < 1 << 32 for ssrc in found):
        raise BadAnswer("a=ssrc is not a 32-bit number")
    if len(found) > MAX_SECTION_SSRCS:
        raise BadAnswer(f"{track} announces {len(found)} SSRCs, at most {MAX_SECTION_SSRCS}")
    return found
