"""What do the load and a server write to each other before a call? Offers, answers, their reading.

As much of RFC 8829 as the measured servers need: one audio and one video section, bundled, Opus
and VP8 with NACK and PLI. The load gives an address, but the servers learn it from its checks.
"""

from collections.abc import Sequence
from typing import Literal

from deploy.bench.media.lab import LOAD_HOST
from deploy.bench.media.party import Local, Remote

OPUS, VP8 = 111, 96
Direction = Literal["sendrecv", "sendonly", "recvonly", "inactive"]


class UnreadableSdp(RuntimeError):  # noqa: N818
    """The server's SDP lacks what the load needs; the text says what."""


def offer(local: Local, direction: Direction = "sendrecv") -> str:
    """A party's offer. It wants to be the DTLS client, so that the server answers `passive`."""
    sections = [_section(local, "audio", "0", OPUS, direction)]
    sections.append(_section(local, "video", "1", VP8, direction))
    return _session(local, ["0", "1"], sections)


def answer(local: Local, offered: str, direction: Direction = "sendrecv") -> str:
    """A party's answer: the first audio and the first video section; further ones are inactive."""
    sections: list[list[str]] = []
    mids: list[str] = []
    seen: set[str] = set()
    for section in _sections(offered):
        medium = section[0][2:].split(" ")[0]
        codec = "opus" if medium == "audio" else "VP8"
        mids.append(_value(section, "a=mid:"))
        wanted: Direction = "inactive" if medium in seen else direction
        sections.append(_section(local, medium, mids[-1], _payload_type(section, codec), wanted))
        seen.add(medium)
    return _session(local, mids, sections)


def read(sdp: str) -> Remote:
    """What a server's offer or answer says of its end. Raises UnreadableSdp."""
    lines = sdp.splitlines()
    candidates = [line.split() for line in lines if line.startswith("a=candidate:")]
    hosts = [c for c in candidates if c[2].lower() == "udp" and "." in c[4]]
    if not hosts:
        raise UnreadableSdp("the server's SDP has no IPv4 candidate")
    payload_types = {"audio": 0, "video": 0}
    for section in reversed(_sections(sdp)):
        medium = section[0][2:].split(" ")[0]
        payload_types[medium] = _payload_type(section, "opus" if medium == "audio" else "VP8")
    return Remote(
        _value(lines, "a=ice-ufrag:"),
        _value(lines, "a=ice-pwd:"),
        hosts[0][4],
        int(hosts[0][5]),
        payload_types["audio"],
        payload_types["video"],
    )


def _session(local: Local, mids: Sequence[str], sections: Sequence[Sequence[str]]) -> str:
    lines = [
        "v=0",
        f"o=- {local.video_ssrc} 1 IN IP4 {LOAD_HOST}",
        "s=-",
        "t=0 0",
        f"a=group:BUNDLE {' '.join(mids)}",
        "a=msid-semantic: WMS load",
    ]
    for section in sections:
        lines += section
    return "\r\n".join(lines) + "\r\n"


def _section(
    local: Local, medium: str, mid: str, payload_type: int, direction: Direction
) -> list[str]:
    lines = [
        f"m={medium} {local.port} UDP/TLS/RTP/SAVPF {payload_type}",
        f"c=IN IP4 {LOAD_HOST}",
        f"a=rtcp:{local.port} IN IP4 {LOAD_HOST}",
        f"a=ice-ufrag:{local.ufrag}",
        f"a=ice-pwd:{local.password}",
        f"a=fingerprint:sha-256 {local.fingerprint}",
        "a=setup:active",
        f"a=mid:{mid}",
        f"a={direction}",
        "a=rtcp-mux",
    ]
    if medium == "audio":
        lines.append(f"a=rtpmap:{payload_type} opus/48000/2")
        lines.append(f"a=fmtp:{payload_type} minptime=10;useinbandfec=1")
    else:
        lines.append(f"a=rtpmap:{payload_type} VP8/90000")
        lines += [f"a=rtcp-fb:{payload_type} {what}" for what in ("ccm fir", "nack", "nack pli")]
    if direction in ("sendrecv", "sendonly"):
        ssrc = local.audio_ssrc if medium == "audio" else local.video_ssrc
        lines.append(f"a=msid:load {medium}")
        lines.append(f"a=ssrc:{ssrc} cname:load")
    candidate = f"a=candidate:1 1 udp 2130706431 {LOAD_HOST} {local.port} typ host"
    return [*lines, candidate, "a=end-of-candidates"]


def _sections(sdp: str) -> list[list[str]]:
    sections: list[list[str]] = []
    for line in sdp.splitlines():
        if line.startswith("m="):
            sections.append([])
        if sections:
            sections[-1].append(line)
    return sections


def _payload_type(section: Sequence[str], codec: str) -> int:
    for line in section:
        if line.startswith("a=rtpmap:") and line.lower().split()[1].startswith(codec.lower()):
            return int(line.split()[0].removeprefix("a=rtpmap:"))
    raise UnreadableSdp(f"a media section of the server's SDP has no {codec}: {section[0]}")


def _value(lines: Sequence[str], prefix: str) -> str:
    for line in lines:
        if line.startswith(prefix):
            return line.removeprefix(prefix).strip()
    raise UnreadableSdp(f"the server's SDP has no {prefix}")
