"""What is missing is asked for again, and how it arrives is told as RFC 3550 wants."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.node import rtcp
from media.node.reception import ASK_EVERY_S, ASK_TIMES, MOST_MISSING, Reception

SSRC = 1002
NOW = 100.0


def picture() -> Reception:
    return Reception(SSRC, 90_000, repairable=True)


def received(reception: Reception, sequences: list[int], now: float = NOW) -> list[bool]:
    return [reception.take(sequence & 0xFFFF, 0, now) for sequence in sequences]


def report(reception: Reception, now: float = NOW) -> rtcp.Reception:
    found = reception.report(now)
    assert found is not None
    return found


# What is missing


def test_what_is_missing_is_asked_for_oldest_first() -> None:
    reception = picture()
    received(reception, [5, 8, 10])
    assert reception.lost(NOW) == [6, 7, 9]


def test_it_is_asked_for_again_after_a_while_and_at_most_so_often() -> None:
    reception = picture()
    received(reception, [5, 7])
    asked, now = 0, NOW
    for _ in range(50):
        asked += len(reception.lost(now))
        assert reception.lost(now + ASK_EVERY_S / 2) == []
        now += ASK_EVERY_S * 1.01
    assert asked == ASK_TIMES


def test_what_comes_late_is_taken_once_and_not_asked_for_any_more() -> None:
    reception = picture()
    assert received(reception, [5, 7, 6, 6, 7, 5]) == [True, True, True, False, False, False]
    assert reception.lost(NOW) == []


def test_what_was_given_up_is_not_taken_any_more() -> None:
    """Its place in the receivers' numbers is long past."""
    reception = picture()
    received(reception, [5, 7])
    for turn in range(ASK_TIMES + 1):
        reception.lost(NOW + turn)
    assert received(reception, [6]) == [False]


def test_numbers_wrap_around() -> None:
    reception = picture()
    received(reception, [0xFFFE, 1])
    assert reception.lost(NOW) == [0xFFFF, 0]
    assert received(reception, [0, 0xFFFF]) == [True, True]
    assert report(reception).lost == 0
    assert report(reception).highest == 0x10001


def test_lost_sound_is_not_asked_for() -> None:
    """Opus repairs itself, and a repetition would come too late to be heard."""
    reception = Reception(SSRC, 48_000, repairable=False)
    received(reception, [5, 8])
    assert reception.lost(NOW) == []
    assert report(reception).lost == 2


@pytest.mark.parametrize("jump", [MOST_MISSING + 1, 20_000])
def test_a_source_that_began_anew_is_followed_and_nothing_is_asked_for(jump: int) -> None:
    reception = picture()
    received(reception, [5, 7, 7 + jump, 8 + jump])
    assert reception.lost(NOW) == []
    assert report(reception).lost == 0


def test_a_stray_packet_from_far_back_is_not_a_source_that_began_anew() -> None:
    reception = picture()
    assert received(reception, [40_000, 35_000, 40_001]) == [True, False, True]


@given(st.integers(0, 0xFFFF), st.integers(0, 1 << 30))
def test_disorder_without_loss_is_no_loss(first: int, seed: int) -> None:
    order = list(range(200))
    rng = random.Random(seed)
    order = [0, *sorted(order[1:], key=lambda number: number + rng.uniform(0, 20))]
    reception = picture()
    assert all(received(reception, [first + number for number in order]))
    assert report(reception).lost == 0


@given(st.lists(st.integers(0, 0xFFFF), max_size=200))
def test_whatever_comes_is_survived_in_bounded_memory(sequences: list[int]) -> None:
    reception = picture()
    received(reception, sequences)
    assert len(reception.lost(NOW)) <= MOST_MISSING
    found = reception.report(NOW)
    if found is not None:
        rtcp.receiver_report([found])


# Reports


def test_before_its_first_packet_there_is_nothing_to_report() -> None:
    assert picture().report(NOW) is None


def test_a_report_tells_what_was_lost_since_the_last() -> None:
    reception = picture()
    received(reception, [0, 1, 3, 4])  # one of five
    assert (report(reception).fraction_lost, report(reception).lost) == (256 // 5, 1)
    received(reception, [5, 6, 7, 8])
    assert (report(reception).fraction_lost, report(reception).lost) == (0, 1)


def test_a_repaired_packet_is_not_lost() -> None:
    reception = picture()
    received(reception, [0, 1, 3])
    report(reception)
    received(reception, [2, 4])
    found = report(reception)
    assert (found.fraction_lost, found.lost) == (0, 0)


def test_an_even_arrival_has_no_jitter_and_an_uneven_one_has() -> None:
    even, uneven = picture(), picture()
    for number in range(500):
        even.take(number, 3_000 * number, NOW + number / 30)
        uneven.take(number, 3_000 * number, NOW + number / 30 + (number % 2) * 0.01)
    assert report(even).jitter <= 1
    assert report(uneven).jitter == pytest.approx(900, abs=20)


def test_time_stamps_that_wrap_around_are_no_jitter() -> None:
    reception = picture()
    for number in range(100):
        reception.take(number, (0xFFFF_0000 + 3_000 * number) & 0xFFFFFFFF, NOW + number / 30)
    assert report(reception).jitter <= 1


def test_a_report_names_the_last_report_of_the_source_so_that_it_can_measure_the_way() -> None:
    reception = picture()
    received(reception, [0])
    assert (report(reception).last_report, report(reception).since_last) == (0, 0)
    reception.reported(rtcp.SenderReport(SSRC, 0x1122_3344_5566_7788, 0), NOW)
    found = report(reception, NOW + 0.5)
    assert (found.last_report, found.since_last) == (0x3344_5566, 32_768)
