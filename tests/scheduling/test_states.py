"""The tables of visits and windows: what they name happens, everything else is refused."""

import itertools
from enum import StrEnum
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling import visit, window

MACHINES = (visit, window)
ALL_STEPS = [
    pytest.param(machine, state, event, id=f"{machine.__name__}-{state}-{event}")
    for machine in MACHINES
    for state, event in itertools.product(machine.State, machine.Event)
]


@pytest.mark.parametrize(("machine", "state", "event"), ALL_STEPS)
def test_every_event_is_in_the_table_or_is_refused_by_name(
    machine: ModuleType, state: StrEnum, event: StrEnum
) -> None:
    if (state, event) in machine.TRANSITIONS:
        assert machine.after(state, event) is machine.TRANSITIONS[state, event]
        return
    with pytest.raises(machine.IllegalTransition) as refused:
        machine.after(state, event)
    assert (refused.value.state, refused.value.event) == (state, event)
    assert state in str(refused.value)
    assert event in str(refused.value)


@pytest.mark.parametrize("final", [visit.State.CLOSED, visit.State.LEFT])
def test_nothing_happens_to_a_visit_that_is_over(final: visit.State) -> None:
    for event in visit.Event:
        with pytest.raises(visit.IllegalTransition):
            visit.after(final, event)


@pytest.mark.parametrize("machine", MACHINES)
def test_every_state_can_be_reached_from_the_first(machine: ModuleType) -> None:
    first = next(iter(machine.State))
    reached = {first}
    while True:
        further = {to for (state, _), to in machine.TRANSITIONS.items() if state in reached}
        if further <= reached:
            break
        reached |= further
    assert reached == set(machine.State)


@pytest.mark.parametrize("state", [s for s in window.State if s is not window.State.WRAP_UP])
def test_a_window_whose_clerk_is_lost_is_off_from_every_state_but_wrap_up(
    state: window.State,
) -> None:
    if state is window.State.OFF:
        with pytest.raises(window.IllegalTransition):
            window.after(state, window.Event.LOSE)
    else:
        assert window.after(state, window.Event.LOSE) is window.State.OFF


def test_a_window_in_wrap_up_is_not_lost() -> None:
    with pytest.raises(window.IllegalTransition):
        window.after(window.State.WRAP_UP, window.Event.LOSE)


@given(st.lists(st.sampled_from(list(visit.Event)), max_size=40))
def test_any_events_keep_a_visit_in_known_states(events: list[visit.Event]) -> None:
    state = visit.State.WAITING
    for event in events:
        try:
            state = visit.after(state, event)
        except visit.IllegalTransition:
            continue
        assert state in visit.State
    if state in visit.WITH_CLERK:
        assert {visit.Event.OFFER, visit.Event.PULL} & set(events)


@given(st.lists(st.sampled_from(list(window.Event)), max_size=40))
def test_any_events_keep_a_window_in_known_states(events: list[window.Event]) -> None:
    state = window.State.OFF
    for event in events:
        before = state
        try:
            state = window.after(state, event)
        except window.IllegalTransition:
            continue
        assert state in window.State
        if state is window.State.OFFERED:
            assert before is window.State.READY
