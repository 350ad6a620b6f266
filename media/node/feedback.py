"""What does a party's RTCP mean, and what does the node tell the party itself?

Between two parties reports and requests pass, told in the other leg's numbers. Between more the
node answers: repairs from the cache, one key-frame request a second however many ask, congestion
feedback and reports for each sender, and a picture only for those whose path carries it. A camera
that flows before its call gets the same feedback, or it would fill a narrow path.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from media.node import relay, rtcp
from media.node.congestion import read_feedback

if TYPE_CHECKING:
    from media.node.connection import Connection

FEEDBACK_S = 0.1
REPORT_S = 1.0
PICTURE_NEEDS_BPS = 150_000
TOO_LITTLE_S = 2.0
AGAIN_S, AGAIN_MOST_S = 10.0, 60.0
REPORT_AGE_S = 3.0


@dataclass(slots=True)
class Adaptation:
    """Whether a receiver gets a picture: not while its path carries too little for one.

    After a pause, longer each time it was in vain, the picture is tried again.
    """

    little_since_s: float | None = None
    again_s: float = 0.0
    pause_s: float = AGAIN_S

    def sound_only(self, now_only: bool, estimate_bps: float, heard: bool, now: float) -> bool:
        """The decision for now; `heard` says that feedback still comes."""
        if now_only:
            return now < self.again_s
        if heard and estimate_bps >= PICTURE_NEEDS_BPS:
            self.little_since_s = None
            if now - self.again_s > AGAIN_MOST_S:
                self.pause_s = AGAIN_S
            return False
        if self.little_since_s is None:
            self.little_since_s = now
        if now - self.little_since_s < TOO_LITTLE_S:
            return False
        self.little_since_s = None
        self.again_s = now + self.pause_s
        self.pause_s = min(2 * self.pause_s, AGAIN_MOST_S)
        return True


def take(connection: "Connection", compound: bytes, now: float) -> None:
    """Act on one plain RTCP compound of a party. Raises rtcp.Malformed."""
    source, leg = connection.source, connection.leg
    if source is None:
        return
    packets = rtcp.split(compound)
    reports = rtcp.sender_reports(packets)
    for report in reports:
        incoming = source.incoming.get(report.ssrc)
        if incoming is not None and not incoming.is_repair:
            incoming.reception.reported(report, now)
            if source.tap is not None:
                source.tap.report(incoming.track, report, now)
    connection.note_receptions(rtcp.receptions(packets), now)
    if not source.managed:
        far = connection.call.other(connection) if connection.call is not None else None
        if far is not None and far.source is not None:
            told = rtcp.translate(compound, relay.shifts(source, leg, far.source, far.leg))
            if told:
                far.send_control(told)
        return
    for report in reports:
        _pass_report(source, report)
    for packet in packets:
        _answer(connection, packet, now)


def _pass_report(source: relay.Source, report: rtcp.SenderReport) -> None:
    """The clock of a source, told to each receiver under the stream's SSRC and time stamps."""
    incoming = source.incoming.get(report.ssrc)
    for stream in incoming.streams if incoming is not None else ():
        timestamp = report.timestamp + stream.timestamp_shift & 0xFFFFFFFF
        stream.leg.send_report(rtcp.sender_report(stream.ssrc, report.ntp, timestamp))


def _answer(connection: "Connection", packet: bytearray, now: float) -> None:
    """Act on one packet of a receiver whose leg the node numbers."""
    leg = connection.leg
    form, kind = packet[0] & 0x1F, packet[1]
    if kind == rtcp.TRANSPORT_FEEDBACK and form == rtcp.TRANSPORT_CC:
        if leg.transport is not None:
            leg.transport.path.told(read_feedback(packet), now)
        return
    limit = rtcp.read_bitrate_limit(packet)
    if limit is not None and leg.transport is not None:
        leg.transport.path.limited(limit, now)
        return
    if len(packet) < 12 or kind not in (rtcp.TRANSPORT_FEEDBACK, rtcp.PAYLOAD_FEEDBACK):
        return
    if kind == rtcp.PAYLOAD_FEEDBACK and form == rtcp.FIR:
        if len(packet) < 16:
            raise rtcp.Malformed("FIR")
        media = int.from_bytes(packet[12:16], "big")
    else:
        media = int.from_bytes(packet[8:12], "big")
    stream = next((s for s in leg.streams() if s.ssrc == media), None)
    if stream is None:
        return
    if kind == rtcp.TRANSPORT_FEEDBACK and form == rtcp.NACK:
        stream.repair(rtcp.lost_sequences(packet), now)
    elif kind == rtcp.PAYLOAD_FEEDBACK and form in (rtcp.PLI, rtcp.FIR):
        connection.ask_key_frame_of(stream, now)


def is_owed(connection: "Connection") -> bool:
    """Whether the node itself tells this party how its packets arrive."""
    source = connection.source
    return source is not None and source.managed and source.counts.received > 0


def tell(connection: "Connection", now: float) -> None:
    """What the node owes a sender: arrivals, what to send again, and each second a report."""
    source = connection.source
    if source is None or not source.managed:
        return
    media = [i for i in source.incoming.values() if not i.is_repair]
    arrived = source.arrivals.feedback(media[0].ssrc if media else 0)
    if arrived is not None:
        connection.send_control(rtcp.receiver_report([]) + arrived)
    for incoming in media:
        lost = incoming.reception.lost(now)
        if lost:
            connection.send_control(rtcp.nack(incoming.ssrc, lost))
    if now - connection.reported_s < REPORT_S:
        return
    connection.reported_s = now
    blocks = [b for b in (i.reception.report(now) for i in media) if b is not None]
    if blocks:
        connection.send_control(rtcp.receiver_report(blocks))
    pictures = [i for i in media if i.track != "audio"]
    usable = [
        stream.leg.transport.path.estimate_bps
        for incoming in pictures
        for stream in incoming.streams
        if stream.leg.transport is not None
        and stream.leg.transport.path.heard_s is not None
        and not stream.leg.sound_only
    ]
    if usable:  # what the best receiver can use; a slow one must not pull the others down
        limit = rtcp.bitrate_limit(int(max(usable)), [i.ssrc for i in pictures])
        connection.send_control(limit)


def adapt(connection: "Connection", now: float) -> bool:
    """Decide whether this receiver gets pictures; True if that changed."""
    leg = connection.leg
    if leg.transport is None or not leg.place_of:
        return False
    path = leg.transport.path
    if path.heard_s is None:
        return False
    heard = now - path.heard_s < REPORT_AGE_S
    only = connection.adaptation.sound_only(leg.sound_only, path.estimate_bps, heard, now)
    if only == leg.sound_only:
        return False
    leg.sound_only = only
    if not only:
        path.estimate_bps = max(path.estimate_bps, 2.0 * PICTURE_NEEDS_BPS)
        for stream in leg.streams():
            connection.ask_key_frame_of(stream, now)
    return True
