"""Which packets arrived, how late, and unspoilt? What the capture says, party by party.

A server may number a forwarded stream anew: the shift is found from the packets that were kept
whole, whose payload says which packet of the clip they are, and must be the same for all of them.
A server that encodes anew forwards none of the packets sent, so nothing can be said of it here.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec
from pylibsrtp import Error as SrtpError
from pylibsrtp import Session

from deploy.bench.media.capture import Crossed

_LATEST_NS = 3_000_000_000  # a clip is longer, so that its repetitions are not taken for each other


class Sent(msgspec.Struct, frozen=True):
    """One stream as it was planned: where it goes and the payloads of its packets in order."""

    from_port: int
    to_port: int
    sent_as: int
    received_as: int
    first: int
    payloads: Sequence[bytes]

    def payload(self, sequence: int) -> bytes:
        """What left under this number; b"" if nothing did."""
        place = (sequence - self.first) & 0xFFFF
        return self.payloads[place] if place < len(self.payloads) else b""


class Traced(msgspec.Struct, frozen=True, kw_only=True):
    """All streams added up. Counts are of packets sent between the marks, `opened` of all.

    `followed` is false if some stream came back as other packets; `lost` and the delays then
    say nothing. `returned` counts every packet that came back between the marks.
    """

    sent: int
    returned: int
    lost: int
    followed: bool
    opened: int
    spoilt: int
    delays_ns: Sequence[int]


def trace(
    streams: Sequence[Sent],
    crossed: Iterable[Crossed],
    sessions: Mapping[int, Session],
    begin_ns: int,
    end_ns: int,
) -> Traced:
    """Follow every stream; `sessions` open what comes to a port."""
    left: dict[tuple[int, int], dict[int, int]] = {}
    came: dict[tuple[int, int], list[tuple[int, int]]] = {}
    whole: dict[tuple[int, int], list[tuple[int, int, bytes]]] = {}
    returned = spoilt = opened = 0
    for one in crossed:
        stream = (one.port, one.payload_type)
        if one.sent:
            left.setdefault(stream, {})[one.sequence] = one.at_ns
            continue
        returned += begin_ns <= one.at_ns < end_ns
        came.setdefault(stream, []).append((one.sequence, one.at_ns))
        if one.whole is None:
            continue
        try:
            packet = sessions[one.port].unprotect(one.whole)
        except (SrtpError, KeyError):
            spoilt += 1
            continue
        opened += 1
        whole.setdefault(stream, []).append((one.sequence, one.at_ns, packet))
    sent = lost = 0
    followed = True
    delays: list[int] = []
    for planned in streams:
        leaving = left.get((planned.from_port, planned.sent_as), {})
        back = (planned.to_port, planned.received_as)
        counted = [s for s, at_ns in leaving.items() if begin_ns <= at_ns < end_ns]
        sent += len(counted)
        shift = _shift(planned, leaving, whole.get(back, []))
        if shift is None:
            followed = False
            continue
        spoilt += sum(
            _payload(packet) != planned.payload(sequence - shift)
            for sequence, _, packet in whole[back]
        )
        arrived: dict[int, int] = {}
        for sequence, at_ns in came.get(back, []):
            arrived.setdefault((sequence - shift) & 0xFFFF, at_ns)
        found = [arrived[s] - leaving[s] for s in counted if s in arrived]
        lost += len(counted) - len(found)
        delays += found
    return Traced(
        sent=sent,
        returned=returned,
        lost=lost,
        followed=followed,
        opened=opened,
        spoilt=spoilt,
        delays_ns=sorted(delays),
    )


def _shift(
    planned: Sent, leaving: Mapping[int, int], whole: Sequence[tuple[int, int, bytes]]
) -> int | None:
    """What the server adds to sequence numbers; None if no packet is one that was sent."""
    numbers: dict[bytes, list[int]] = {}
    for place, payload in enumerate(planned.payloads):
        numbers.setdefault(payload, []).append(planned.first + place & 0xFFFF)
    votes: Counter[int] = Counter()
    for sequence, at_ns, packet in whole:
        for number in numbers.get(_payload(packet), []):
            if 0 <= at_ns - leaving.get(number, at_ns + 1) < _LATEST_NS:
                votes[(sequence - number) & 0xFFFF] += 1
    return votes.most_common(1)[0][0] if votes else None


def _payload(packet: bytes) -> bytes:
    """The payload of an RTP packet without padding (RFC 3550 section 5.1)."""
    offset = 12 + 4 * (packet[0] & 0x0F)
    if packet[0] & 0x10:
        offset += 4 + 4 * int.from_bytes(packet[offset + 2 : offset + 4], "big")
    return packet[offset:]
