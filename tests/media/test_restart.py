"""A source whose numbers jump far is followed once the jump is confirmed, and not before."""

from media.records.sequence import RtpPacket, Sequencer


def packet(sequence: int) -> RtpPacket:
    return RtpPacket(sequence & 0xFFFF, 0, True, b"x", 0.0)


def test_one_stray_packet_far_ahead_changes_nothing() -> None:
    line = Sequencer()
    for sequence in (10, 11, 30_000, 12):
        line.push(packet(sequence))
    assert [p.sequence for p, _, _ in line.pop(0.1)] == [10, 11, 12]
    assert line.lost == 0


def test_two_packets_in_a_row_far_ahead_are_a_restarted_source_after_a_gap() -> None:
    line = Sequencer()
    for sequence in (10, 11):
        line.push(packet(sequence))
    line.pop(0.1)
    for sequence in (30_000, 30_001, 30_002):
        line.push(packet(sequence))
    due = line.pop(0.2)
    assert [p.sequence for p, _, _ in due] == [30_001, 30_002]
    assert [gap for _, _, gap in due] == [True, False]


def test_what_was_waiting_when_a_source_restarted_is_counted_as_lost() -> None:
    line = Sequencer()
    for sequence in (10, 12, 13):
        line.push(packet(sequence))
    assert [p.sequence for p, _, _ in line.pop(0.1)] == [10]
    for sequence in (30_000, 30_001):
        line.push(packet(sequence))
    assert [p.sequence for p, _, _ in line.pop(0.2)] == [30_001]
    assert line.lost == 2


def test_a_long_queue_is_no_restart() -> None:
    """A disk that stood still: everything that waited comes in one turn."""
    line = Sequencer()
    for sequence in range(60_000, 80_000):
        line.push(packet(sequence))
    due = [p.sequence for p, _, _ in line.pop(0.1)]
    assert due == [sequence & 0xFFFF for sequence in range(60_000, 80_000)]
    assert line.lost == 0
