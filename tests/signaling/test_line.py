"""One client's line without its socket: stored answers, changed states, rates, the newest wins."""

import asyncio
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from signaling.access import Identity, Role
from signaling.hub import KEPT_CLIENTS, Hub, Socket
from signaling.line import (
    BURST,
    COMMANDS_PER_S,
    GESTURES_PER_S,
    KEPT_ANSWERS,
    MAX_FAULTS,
    Answers,
    Line,
)
from signaling.protocol import (
    CityView,
    ClientState,
    Done,
    Gestured,
    KioskState,
    PlaceView,
    Refused,
    SiteView,
)
from signaling.shared_desk import Pointer


def pointer(party: str, x: float) -> Gestured:
    return Gestured(party, Pointer("page-1", x, 0.5))


NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
KIOSK = Identity("kiosk-1", Role.KIOSK, "330400")


def state(ahead: int | None = None) -> ClientState:
    """A kiosk's state; `ahead` tells states apart."""
    return KioskState(
        kiosk="kiosk-1",
        site=SiteView("s", "点", "Site"),
        site_city=CityView("330400", "嘉兴市", "Jiaxing"),
        visit=None,
        place=None if ahead is None else PlaceView(ahead, None),
        call=None,
        connection=None,
        on_hold=False,
    )


# Answers


def test_a_repeated_command_gets_the_stored_answer() -> None:
    answers = Answers()
    assert answers.known("a") is None
    answers.keep("a", Done("a"))
    answers.keep("b", Refused("b", "conflict", "no"))
    assert answers.known("a") == Done("a")
    assert answers.known("b") == Refused("b", "conflict", "no")


@given(st.lists(st.integers(0, 600), max_size=900))
def test_only_so_many_answers_are_kept_and_those_are_the_last(ids: list[int]) -> None:
    answers = Answers()
    for number in ids:
        if answers.known(str(number)) is None:
            answers.keep(str(number), Done(str(number)))
    first_seen_last = list(dict.fromkeys(reversed(ids)))
    for number in first_seen_last[: KEPT_ANSWERS // 2]:
        assert answers.known(str(number)) in (None, Done(str(number)))
    assert sum(answers.known(str(n)) is not None for n in range(601)) <= KEPT_ANSWERS
    if ids:
        assert answers.known(str(ids[-1])) is not None


def test_the_oldest_answer_is_forgotten_first() -> None:
    answers = Answers()
    for number in range(KEPT_ANSWERS + 1):
        answers.keep(str(number), Done(str(number)))
    assert answers.known("0") is None
    assert answers.known("1") == Done("1")


# States


@given(st.lists(st.none() | st.integers(0, 3), max_size=30))
def test_a_state_is_sent_when_it_changed_with_a_rising_number(shown: list[int | None]) -> None:
    line = Line(0.0)
    line.shown(state())
    last, seq = state(), 0
    for ahead in shown:
        message = line.next_state(state(ahead), NOW)
        if state(ahead) == last:
            assert message is None
        else:
            assert message is not None
            assert (message.seq, message.state) == (seq + 1, state(ahead))
            seq, last = message.seq, state(ahead)


def test_a_line_that_was_told_nothing_is_told_its_first_state() -> None:
    message = Line(0.0).next_state(state(), NOW)
    assert message is not None
    assert message.seq == 1


# Rates and faults


def test_a_burst_is_taken_and_then_so_many_a_second() -> None:
    line = Line(100.0)
    assert sum(line.may_command(100.0) for _ in range(200)) == BURST
    assert not line.may_command(100.0)
    assert sum(line.may_command(101.0) for _ in range(200)) == COMMANDS_PER_S


@given(st.lists(st.floats(0, 2), max_size=400))
def test_no_pattern_of_commands_gets_more_than_the_bucket_holds(gaps: list[float]) -> None:
    now, taken, line = 0.0, 0, Line(0.0)
    for gap in gaps:
        now += gap
        taken += line.may_command(now)
        assert taken <= BURST + now * COMMANDS_PER_S + 1e-6


def test_gestures_have_a_rate_of_their_own() -> None:
    line = Line(100.0)
    assert sum(line.may_gesture(100.0) for _ in range(200)) == GESTURES_PER_S
    assert sum(line.may_gesture(101.0) for _ in range(200)) == GESTURES_PER_S
    assert sum(line.may_command(101.0) for _ in range(200)) == BURST
    assert sum(line.may_gesture(101.5) for _ in range(200)) == GESTURES_PER_S / 2


def test_the_third_fault_is_the_last() -> None:
    line = Line(0.0)
    assert [line.fault() for _ in range(MAX_FAULTS + 1)] == [False, False, True, True]


# Which line is a client's


def test_the_newest_socket_of_a_client_wins() -> None:
    hub, first, second = Hub(), Socket(KIOSK), Socket(KIOSK)
    hub.enter(first)
    hub.enter(second)
    assert first.closing is not None
    assert first.closing[0] == 4001
    assert first.changed.is_set()
    assert second.closing is None
    assert not hub.leave(first)
    assert hub.is_open(KIOSK.id)
    assert hub.leave(second)
    assert not hub.is_open(KIOSK.id)


def test_only_the_newest_socket_is_woken() -> None:
    hub, first, second = Hub(), Socket(KIOSK), Socket(KIOSK)
    hub.enter(first)
    hub.enter(second)
    first.changed.clear()
    hub.wake([KIOSK.id, None, "nobody"])
    assert second.changed.is_set()
    assert not first.changed.is_set()


def test_who_reads_slowly_sees_the_newest_gesture_of_each_kind_and_party() -> None:
    socket = Socket(KIOSK)
    socket.pass_on(pointer("clerk", 0.5))
    assert socket.gestures() == [], "before the welcome nothing is sent"
    socket.is_welcomed = True
    told = [("clerk", 0.1), ("invited_clerk", 0.2), ("clerk", 0.3), ("clerk", 0.4)]
    for party, x in told:
        socket.pass_on(pointer(party, x))
    assert socket.passed.is_set()
    assert not socket.changed.is_set(), "no state is read for a gesture"
    assert socket.gestures() == [pointer("invited_clerk", 0.2), pointer("clerk", 0.4)]
    assert socket.gestures() == []


def test_the_first_reason_to_close_stands() -> None:
    socket = Socket(KIOSK)
    socket.close(4003, "faults")
    socket.close(4001, "newer")
    assert socket.closing == (4003, "faults")


def test_a_change_in_a_city_wakes_its_clerks_and_all_kiosks() -> None:
    hub = Hub()
    sockets = {
        name: Socket(Identity(name, role, city))
        for name, role, city in (
            ("here", Role.CLERK, "330400"),
            ("there", Role.CLERK, "330100"),
            ("kiosk", Role.KIOSK, "310117"),
        )
    }
    for socket in sockets.values():
        hub.enter(socket)
    hub.wake_city("330400")
    woken = {name for name, socket in sockets.items() if socket.changed.is_set()}
    assert woken == {"here", "kiosk"}
    assert hub.present(Role.KIOSK) == {"kiosk"}


def test_a_client_with_a_line_is_not_away() -> None:
    hub, socket = Hub(), Socket(KIOSK)
    assert hub.away_s(KIOSK.id, 0.0) > 0
    hub.enter(socket)
    assert hub.away_s(KIOSK.id, 0.0) == 0.0
    hub.leave(socket)
    assert hub.away_s(KIOSK.id, 0.0) >= 0.0


def test_answers_are_kept_between_a_clients_sockets_and_bounded() -> None:
    hub = Hub()
    hub.answers("kiosk-1").keep("a", Done("a"))
    assert hub.answers("kiosk-1").known("a") == Done("a")
    for number in range(KEPT_CLIENTS):
        hub.answers(f"client-{number}")
    assert hub.answers("kiosk-1").known("a") is None


async def test_a_burst_wakes_a_city_at_once_and_then_once_more() -> None:
    hub = Hub()
    clerk = Socket(Identity("jiaxing1", Role.CLERK, "330400"))
    kiosk = Socket(Identity("kiosk-1", Role.KIOSK, "310117"))
    for socket in (clerk, kiosk):
        hub.enter(socket)
    hub.wake_city("330400")
    assert clerk.changed.is_set()
    assert kiosk.changed.is_set()
    for socket in (clerk, kiosk):
        socket.changed.clear()
    for _ in range(100):
        hub.wake_city("330400")
    assert not clerk.changed.is_set()
    async with asyncio.timeout(5):
        await asyncio.gather(clerk.changed.wait(), kiosk.changed.wait())
