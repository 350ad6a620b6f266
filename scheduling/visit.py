"""In which states can a visit be, and what leads from one to the next? Pure; a table to read aloud.

Knows neither the database nor the clock. `desk.py` applies it; the diagram in docs/protocol.md is
drawn from `TRANSITIONS`.
"""

from enum import StrEnum
from typing import NewType

VisitId = NewType("VisitId", str)
CityCode = NewType("CityCode", str)
SiteId = NewType("SiteId", str)
KioskId = NewType("KioskId", str)
ClerkId = NewType("ClerkId", str)
MatterCode = NewType("MatterCode", str)


class State(StrEnum):
    """Where a visit stands."""

    WAITING = "waiting"
    AWAY = "away"
    OFFERED = "offered"
    SERVING = "serving"
    FINISHED = "finished"
    CLOSED = "closed"
    LEFT = "left"


class Event(StrEnum):
    """What happens to a visit."""

    OFFER = "offer"
    ACCEPT = "accept"
    DECLINE = "decline"
    MISS = "miss"
    LOSE_CLERK = "lose_clerk"
    LEAVE = "leave"
    PULL = "pull"
    COME_BACK_LATER = "come_back_later"
    COME_BACK = "come_back"
    TRANSFER = "transfer"
    HAND_OVER = "hand_over"
    END = "end"
    CLOSE = "close"


TRANSITIONS: dict[tuple[State, Event], State] = {
    (State.WAITING, Event.OFFER): State.OFFERED,
    (State.WAITING, Event.PULL): State.SERVING,
    (State.WAITING, Event.LEAVE): State.LEFT,
    (State.WAITING, Event.COME_BACK_LATER): State.AWAY,
    (State.AWAY, Event.COME_BACK): State.WAITING,
    (State.AWAY, Event.LEAVE): State.LEFT,
    (State.OFFERED, Event.ACCEPT): State.SERVING,
    (State.OFFERED, Event.DECLINE): State.WAITING,
    (State.OFFERED, Event.MISS): State.WAITING,
    (State.OFFERED, Event.LOSE_CLERK): State.WAITING,
    (State.OFFERED, Event.LEAVE): State.LEFT,
    (State.SERVING, Event.LOSE_CLERK): State.WAITING,
    (State.SERVING, Event.TRANSFER): State.WAITING,
    (State.SERVING, Event.HAND_OVER): State.SERVING,
    (State.SERVING, Event.END): State.FINISHED,
    (State.FINISHED, Event.CLOSE): State.CLOSED,
}

IN_LINE = (State.WAITING, State.AWAY)
OPEN = (State.WAITING, State.OFFERED, State.SERVING)
WITH_CLERK = (State.OFFERED, State.SERVING)


class Outcome(StrEnum):
    """What came of a visit (办理结果)."""

    COMPLETED = "completed"
    ACCEPTED = "accepted"
    ACCEPTED_WITH_DEFERRAL = "accepted_with_deferral"
    NEEDS_CORRECTION = "needs_correction"
    TRANSFERRED = "transferred"
    DECLINED = "declined"
    ADVICE_ONLY = "advice_only"
    LEFT = "left"


RATINGS = (1, 2, 3, 4, 5)  # very dissatisfied … very satisfied, GB/T 39735


class IllegalTransition(Exception):  # noqa: N818 - as h11 names it: LocalProtocolError's kin
    """This event cannot happen in this state; nothing was changed."""

    def __init__(self, state: State, event: Event) -> None:
        super().__init__(f"a visit that is {state} cannot {event}")
        self.state, self.event = state, event


def after(state: State, event: Event) -> State:
    """The state that follows. Raises IllegalTransition."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise IllegalTransition(state, event) from None
