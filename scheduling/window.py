"""In which states can a clerk's window be, and what leads from one to the next? Pure.

A window is a clerk's desk while on duty. No answer, refusal and lost connection are three facts.
"""

from enum import StrEnum


class State(StrEnum):
    """Where a window stands."""

    OFF = "off"
    READY = "ready"
    BREAK = "break"
    OFFERED = "offered"
    IN_CALL = "in_call"
    WRAP_UP = "wrap_up"
    MISSED = "missed"


class Event(StrEnum):
    """What happens to a window."""

    BE_READY = "be_ready"
    TAKE_BREAK = "take_break"
    GO_OFF = "go_off"
    OFFER = "offer"
    ACCEPT = "accept"
    DECLINE = "decline"
    MISS = "miss"
    LEAVE = "leave"
    LOSE = "lose"
    PULL = "pull"
    RELEASE = "release"
    RELEASE_AND_REST = "release_and_rest"
    END = "end"


TRANSITIONS: dict[tuple[State, Event], State] = {
    **{(state, Event.BE_READY): State.READY for state in (State.OFF, State.BREAK, State.MISSED)},
    **{(state, Event.TAKE_BREAK): State.BREAK for state in (State.OFF, State.READY, State.MISSED)},
    **{(state, Event.GO_OFF): State.OFF for state in (State.READY, State.BREAK, State.MISSED)},
    (State.READY, Event.OFFER): State.OFFERED,
    (State.READY, Event.PULL): State.IN_CALL,
    (State.READY, Event.LOSE): State.OFF,
    (State.BREAK, Event.LOSE): State.OFF,
    (State.MISSED, Event.LOSE): State.OFF,
    (State.OFFERED, Event.ACCEPT): State.IN_CALL,
    (State.OFFERED, Event.DECLINE): State.BREAK,
    (State.OFFERED, Event.MISS): State.MISSED,
    (State.OFFERED, Event.LEAVE): State.READY,
    (State.OFFERED, Event.LOSE): State.OFF,
    (State.IN_CALL, Event.END): State.WRAP_UP,
    (State.IN_CALL, Event.RELEASE): State.READY,
    (State.IN_CALL, Event.RELEASE_AND_REST): State.BREAK,
    (State.IN_CALL, Event.LOSE): State.OFF,
    (State.WRAP_UP, Event.BE_READY): State.READY,
    (State.WRAP_UP, Event.TAKE_BREAK): State.BREAK,
}

ON_DUTY = (State.READY, State.OFFERED, State.IN_CALL, State.WRAP_UP)


class IllegalTransition(Exception):  # noqa: N818
    """This event cannot happen at this window now; nothing was changed."""

    def __init__(self, state: State, event: Event) -> None:
        super().__init__(f"a window that is {state} cannot {event}")
        self.state, self.event = state, event


def after(state: State, event: Event) -> State:
    """The state that follows. Raises IllegalTransition."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise IllegalTransition(state, event) from None
