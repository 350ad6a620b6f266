"""What exactly do processes say to each other over the bus, and who reads it?

Every message names the process it is from. Those that others build on have a number, so that a
missing one is noticed and the whole is asked for.
"""

import logging
from collections.abc import Callable
from typing import Any, Literal, TypeVar

import msgspec

from signaling.access import Identity
from signaling.bus import Bus
from signaling.call import Call, Mode, Party
from signaling.shared_desk import AnyChange, AnyGesture

log = logging.getLogger(__name__)


class Message(
    msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="says", array_like=True
):
    """Something one process says to the others."""

    sender: str = ""


# Who has a line where


class Member(msgspec.Struct, frozen=True, array_like=True):
    """A client with an open line; `entered_s` by the database's clock tells the newest of two."""

    who: Identity
    entered_s: float


class Beat(Message, frozen=True, kw_only=True):
    """This process lives; `number` is that of its last Entered or Left."""

    number: int


class Entered(Message, frozen=True, kw_only=True):
    """A client has opened a line here."""

    number: int
    member: Member


class Left(Message, frozen=True, kw_only=True):
    """A client has no line here any more."""

    number: int
    client: str


class Members(Message, frozen=True, kw_only=True):
    """All who have a line here, as of `number`."""

    number: int
    members: list[Member]


class WhoIsThere(Message, frozen=True, kw_only=True):
    """Tell me all your members."""


class Gone(Message, frozen=True, kw_only=True):
    """This process ends, and all its lines with it."""


# What has changed


class Wake(Message, frozen=True, kw_only=True):
    """The state of these clients may have changed."""

    clients: list[str]


class WakeCity(Message, frozen=True, kw_only=True):
    """The state of every clerk of this city may have changed; of every kiosk, where it is ""."""

    city: str


class Look(Message, frozen=True, kw_only=True):
    """For the office: these visits and clerks have changed in the database.

    With none of them, the rules have.
    """

    visits: list[str]
    clerks: list[str]


class Level(Message, frozen=True, kw_only=True):
    """How well a party of a running call receives and sends."""

    visit: str
    party: str
    level: Literal["good", "fair", "poor"]


class Passed(Message, frozen=True, kw_only=True):
    """A party of a call makes a gesture; these clients, who have their line there, may see it."""

    clients: list[str]
    party: str
    made: AnyGesture


# Calls, as the office tells them


class CallEntry(msgspec.Struct, frozen=True, array_like=True):
    """A visit's call (None: it is over), who is in it, and whether it is being set up."""

    visit: str
    call: Call | None
    clients: dict[Party, str] = {}
    guests: dict[Party, str] = {}
    preparing: bool = False


class LineEntry(msgspec.Struct, frozen=True, array_like=True):
    """A client's warm line; without a connection it has none any more."""

    client: str
    host: str = ""
    connection: str = ""
    offer: str | None = None
    connected: bool = False


class CallsTold(Message, frozen=True, kw_only=True):
    """What has changed since `number` - 1 of this term of the office, or the `whole`."""

    term: int
    number: int
    whole: bool
    calls: list[CallEntry]
    lines: list[LineEntry]


class OfficeBeat(Message, frozen=True, kw_only=True):
    """The office lives: the number of its last CallsTold, and the time on its own clock."""

    term: int
    number: int
    moment_s: float


class TellCalls(Message, frozen=True, kw_only=True):
    """For the office: tell me all calls and lines."""


class Vacant(Message, frozen=True, kw_only=True):
    """The office was given up in good order: whoever wants it may have it now."""


# What the office is asked to do


class Act(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="do", array_like=True):
    """One method of the exchange; see `calls.py`."""


class Warm(Act, frozen=True, kw_only=True):
    """A warm line for this client."""

    client: str


class Cool(Act, frozen=True, kw_only=True):
    """It needs none any more."""

    client: str


class Begin(Act, frozen=True, kw_only=True):
    """A visit is in `serving`."""

    visit: str


class HangUp(Act, frozen=True, kw_only=True):
    """A visit is not in `serving` any more."""

    visit: str


class Connect(Act, frozen=True, kw_only=True):
    """A new connection for a party."""

    visit: str
    party: Party


class Answer(Act, frozen=True, kw_only=True):
    """A client's SDP answer."""

    client: str
    connection: str
    sdp: str


class Record(Act, frozen=True, kw_only=True):
    """Pause a call's recording, or let it go on."""

    visit: str
    running: bool


class Share(Act, frozen=True, kw_only=True):
    """A party shows its screen, or does no longer."""

    visit: str
    party: Party
    sharing: bool


class ChangeDesk(Act, frozen=True, kw_only=True):
    """A party changes the shared desk."""

    visit: str
    party: Party
    change: AnyChange


class TakePart(Act, frozen=True, kw_only=True):
    """One more is in the call."""

    visit: str
    party: Party
    client: str
    mode: Mode


class LeavePart(Act, frozen=True, kw_only=True):
    """A guest leaves."""

    visit: str
    party: Party


class Hold(Act, frozen=True, kw_only=True):
    """The resident is on hold, or no longer."""

    visit: str
    on_hold: bool


class HandOver(Act, frozen=True, kw_only=True):
    """A visit has another clerk, who is in its call."""

    visit: str


AnyAct = (
    Warm
    | Cool
    | Begin
    | HangUp
    | Connect
    | Answer
    | Record
    | Share
    | ChangeDesk
    | TakePart
    | LeavePart
    | Hold
    | HandOver
)


class Ask(Message, frozen=True, kw_only=True):
    """For the office: do this. `moment_s` is its own of which the asker heard last."""

    id: str
    term: int
    moment_s: float
    act: AnyAct


class Reply(Message, frozen=True, kw_only=True):
    """It was done, or `failure` names the exception that says why not."""

    id: str
    failure: Literal["", "no_host", "unknown", "refused", "refused_twice", "desk"] = ""
    text: str = ""


AnyMessage = (
    Beat | Entered | Left | Members | WhoIsThere | Gone
    | Wake | WakeCity | Look | Level | Passed
    | CallsTold | OfficeBeat | TellCalls | Vacant | Ask | Reply
)  # fmt: skip

M = TypeVar("M", bound=Message)
_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[AnyMessage] = msgspec.msgpack.Decoder(AnyMessage)


class Post:
    """Messages in and out of one process; each kind goes to those who want it."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._readers: dict[type[Message], list[Callable[[Any], None]]] = {}
        self._links: list[Callable[[bool], None]] = []

    @property
    def name(self) -> str:
        """How others address this process."""
        return self._bus.name

    @property
    def up(self) -> bool:
        """Whether messages pass now."""
        return self._bus.up

    def on(self, kind: type[M], read: Callable[[M], None]) -> None:
        """Have every message of this kind read by this one; it must return at once."""
        self._readers.setdefault(kind, []).append(read)

    def on_link(self, told: Callable[[bool], None]) -> None:
        """Be told when the bus is up, and when it is lost."""
        self._links.append(told)

    async def start(self) -> None:
        """Listen; returns at once."""
        await self._bus.start(self._hear, self._linked)

    async def stop(self) -> None:
        """Send what was told last, and let go."""
        await self._bus.stop()

    def tell(self, message: Message, to: str = "") -> None:
        """Tell all others, or one. Never waits, never raises."""
        if self._bus.up:
            signed = msgspec.structs.replace(message, sender=self._bus.name)
            self._bus.tell(_encoder.encode(signed), to)

    def _hear(self, text: bytes) -> None:
        try:
            message = _decoder.decode(text)
        except msgspec.MsgspecError as error:  # a process of another version
            log.error("x a message of another process could not be read: %s", error)
            return
        for read in self._readers.get(type(message), ()):
            try:
                read(message)
            except Exception:  # one reader's defect must not make the others deaf
                log.exception("x %s of %s", type(message).__name__, message.sender)

    def _linked(self, up: bool) -> None:
        for told in self._links:
            told(up)
