"""Every WebSocket message, both ways: the contract on the line, version 1.

The server sends the client's **whole state** whenever it changes; the client shows it. There is
no stream of events to replay: whoever reconnects gets the state and goes on (docs/decisions/0001).
The client sends commands with an id; the answer to a repeated id is the stored answer.
docs/protocol.md and the pages' types are generated from here.
"""

from datetime import datetime
from typing import Annotated, Literal, get_args

import msgspec

from signaling.shared_desk import (
    AddMark,
    AnyChange,
    AnyGesture,
    ClearMarks,
    ClosePage,
    DeskView,
    Mark,
    OpenPage,
    Page,
    Pointer,
    RemoveMark,
    Share,
    Stroke,
    TurnPage,
    Zoom,
    Zooming,
    ZoomPage,
)

VERSION = 1
MAX_MESSAGE_BYTES = 64 * 1024

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]
Language = Literal["zh_CN", "en"]
OutcomeName = Literal[
    "completed",
    "accepted",
    "accepted_with_deferral",
    "needs_correction",
    "transferred",
    "declined",
    "advice_only",
    "left",
]
ClaimName = Literal["ordinary", "elderly", "disabled", "veteran", "infant", "returning"]
PriorityName = Literal[
    "ordinary", "booked", "elderly", "disabled", "veteran", "infant", "returning"
]
Tongue = Literal["", "cmn", "en", "wuu", "yue", "csl"]
Ticket = Annotated[str, msgspec.Meta(max_length=12)]
Code = Annotated[str, msgspec.Meta(max_length=16)]
QueueName = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Notes = Annotated[str, msgspec.Meta(max_length=10_000)]
Label = Annotated[str, msgspec.Meta(max_length=200)]


class Hello(msgspec.Struct, tag="hello", tag_field="type", frozen=True, forbid_unknown_fields=True):
    """The first message on a socket: a single-use ticket of 30 s from `POST /api/line-tickets`."""

    ticket: Annotated[str, msgspec.Meta(max_length=4096)]
    versions: Annotated[list[int], msgspec.Meta(max_length=16)]


class Command(
    msgspec.Struct,
    tag_field="type",
    tag=True,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
):
    """Something the client wants done. `id` is made by the client (UUID) and unique to it."""

    id: Id


class TakeTicket(Command, frozen=True, kw_only=True, tag="take_ticket"):
    """The resident agreed to the recording notice and joins the line. Kiosks only.

    `wish` is the language to be served in (BCP 47, "" for any). `priority` gives a head start;
    `returning` needs ticket and code of today's earlier visit.
    """

    matter: Id
    city: Id
    language: Language
    notice_version: Id
    priority: ClaimName = "ordinary"
    wish: Tongue = ""
    earlier_ticket: Ticket = ""
    earlier_code: Code = ""


class CheckIn(Command, frozen=True, kw_only=True, tag="check_in"):
    """A resident with an appointment agreed to the recording notice and joins the line. Kiosks.

    On time the ticket is placed by the booked half hour; early or late it is an ordinary one.
    """

    code: Code
    language: Language
    notice_version: Id
    wish: Tongue = ""


class LeaveLine(Command, frozen=True, kw_only=True, tag="leave_line"):
    """The resident gives the ticket back before being served. Kiosks only."""

    visit: Id


class SetStays(Command, frozen=True, kw_only=True, tag="set_stays"):
    """The resident waits for their own city, or may be served by another after all. Kiosks."""

    visit: Id
    stays: bool


class ComeBackLater(Command, frozen=True, kw_only=True, tag="come_back_later"):
    """The resident goes away and keeps the place; `contact` is a telephone number. Kiosks."""

    visit: Id
    contact: Annotated[str, msgspec.Meta(max_length=40)]


class ComeBack(Command, frozen=True, kw_only=True, tag="come_back"):
    """The resident is back at this kiosk, with ticket and code. Kiosks only."""

    ticket: Ticket
    code: Code


class Rate(Command, frozen=True, kw_only=True, tag="rate"):
    """The resident rates the service, once: 1 very dissatisfied to 5 very satisfied. Kiosks."""

    visit: Id
    rating: Annotated[int, msgspec.Meta(ge=1, le=5)]
    reasons: Annotated[list[Label], msgspec.Meta(max_length=10)] = []


class Wipe(Command, frozen=True, kw_only=True, tag="wipe"):
    """The kiosk has forgotten this visit and is free for the next resident. Kiosks only."""

    visit: Id


class SetWindow(Command, frozen=True, kw_only=True, tag="set_window"):
    """The clerk is ready, takes a break or goes off duty. Clerks only."""

    step: Literal["be_ready", "take_break", "go_off"]


class Accept(Command, frozen=True, kw_only=True, tag="accept"):
    """The clerk takes the visit that rings. Clerks only."""

    visit: Id


class Decline(Command, frozen=True, kw_only=True, tag="decline"):
    """The clerk refuses the visit that rings and is on a break. Clerks only."""

    visit: Id
    reason: Label = ""


class Pull(Command, frozen=True, kw_only=True, tag="pull"):
    """The clerk takes a visit of their own choice, where its queue allows it. Clerks only."""

    visit: Id


class CallBack(Command, frozen=True, kw_only=True, tag="call_back"):
    """The clerk has called a resident who is away: it is nearly their turn. Clerks only."""

    visit: Id


class Transfer(Command, frozen=True, kw_only=True, tag="transfer"):
    """The visit goes to the line of a queue, or waits for one clerk of it. Clerks only.

    It keeps its place and its record; this clerk is then ready, or on a break.
    """

    visit: Id
    queue: QueueName
    clerk: Id | None = None
    ready: bool = True


class AskConsult(Command, frozen=True, kw_only=True, tag="ask_consult"):
    """Ask a queue, or one clerk of it, to join this call. Clerks only.

    It rings there like a visit. The resident is on hold from when the other joins.
    """

    visit: Id
    queue: QueueName
    clerk: Id | None = None


class SetThreeWay(Command, frozen=True, kw_only=True, tag="set_three_way"):
    """Take the resident into the talk of both clerks, or put them on hold again. Clerks only."""

    visit: Id
    with_resident: bool


class EndConsult(Command, frozen=True, kw_only=True, tag="end_consult"):
    """Take back what was asked, end a consult, or leave the one that was joined. Clerks only."""

    visit: Id


class HandOver(Command, frozen=True, kw_only=True, tag="hand_over"):
    """Leave the call to the clerk who joined; this clerk is then ready, or on a break. Clerks."""

    visit: Id
    ready: bool = True


class SetAside(Command, frozen=True, kw_only=True, tag="set_aside"):
    """Finish the record of the visit that has just ended later. Clerks only."""

    visit: Id
    ready: bool = True


class KeepCase(Command, frozen=True, kw_only=True, tag="keep_case"):
    """Keep the clerk's notes and the materials that were seen. Clerks only."""

    visit: Id
    notes: Notes
    checked: Annotated[list[Label], msgspec.Meta(max_length=50)]


class CloseVisit(Command, frozen=True, kw_only=True, tag="close_visit"):
    """End the record with an outcome. Clerks only.

    A visit of an escalation queue needs an `answer` to the resident. `ready` counts only for the
    record on the desk, not for one that was set aside.
    """

    visit: Id
    outcome: OutcomeName
    ready: bool
    answer: Notes = ""


class EndCall(Command, frozen=True, kw_only=True, tag="end_call"):
    """End the call of this visit and no other. Kiosks and clerks."""

    visit: Id


class Connect(Command, frozen=True, kw_only=True, tag="connect"):
    """Ask for a new media connection: after a reload or when the path was lost.

    With `call` null it is a warm line: connected before the call, nothing of it is passed on.
    """

    call: Id | None


class Answer(Command, frozen=True, kw_only=True, tag="answer"):
    """The browser's SDP answer to the offer of this connection."""

    connection: Id
    sdp: Annotated[str, msgspec.Meta(max_length=48 * 1024)]


class Playing(Command, frozen=True, kw_only=True, tag="playing"):
    """The first picture of the other party was decoded here."""

    call: Id


class SetRecording(Command, frozen=True, kw_only=True, tag="set_recording"):
    """Pause the recording where the law wants it, or let it go on. Clerks only."""

    visit: Id
    running: bool


class SetSharing(Command, frozen=True, kw_only=True, tag="set_sharing"):
    """This party shows its screen or document camera on the third track, or does no longer."""

    call: Id
    sharing: bool


Count = Annotated[int, msgspec.Meta(ge=0, le=1 << 40)]


class Direction(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One direction of a party's media over the last five seconds, from the browser's statistics.

    `loss` is a share, `jitter_ms` and `round_trip_ms` milliseconds, `bitrate_bps` bits a second,
    `freezes` how often the picture stood, `concealed` the share of the sound that was made up.
    """

    loss: Share = 0
    jitter_ms: Count = 0
    round_trip_ms: Count = 0
    bitrate_bps: Count = 0
    width: Count = 0
    height: Count = 0
    frames_a_second: Count = 0
    freezes: Count = 0
    concealed: Share = 0


class ReportQuality(Command, frozen=True, kw_only=True, tag="report_quality"):
    """How this party receives and sends, each five seconds of a call."""

    call: Id
    received: Direction
    sent: Direction


class ChangeDesk(Command, frozen=True, kw_only=True, tag="change_desk"):
    """This party opens, turns, zooms or marks a page on the shared desk."""

    call: Id
    change: AnyChange


class Gesture(
    msgspec.Struct, tag="gesture", tag_field="type", frozen=True, forbid_unknown_fields=True
):
    """What this party does on the open page, for the others to see at once.

    It has no id and no answer; of more than 40 a second, and of what nobody may see, nothing comes.
    """

    call: Id
    made: AnyGesture


ClientCommand = (
    TakeTicket
    | CheckIn
    | LeaveLine
    | SetStays
    | ComeBackLater
    | ComeBack
    | Rate
    | Wipe
    | SetWindow
    | Accept
    | Decline
    | Pull
    | CallBack
    | Transfer
    | AskConsult
    | SetThreeWay
    | EndConsult
    | HandOver
    | KeepCase
    | SetAside
    | CloseVisit
    | EndCall
    | Connect
    | Answer
    | Playing
    | SetRecording
    | SetSharing
    | ReportQuality
    | ChangeDesk
)
ClientMessage = Hello | Gesture | ClientCommand


class CityView(msgspec.Struct, frozen=True):
    """A city, by its GB/T 2260 code."""

    code: str
    name_zh: str
    name_en: str


class SiteView(msgspec.Struct, frozen=True):
    """A place where kiosks stand."""

    id: str
    name_zh: str
    name_en: str


class MaterialView(msgspec.Struct, frozen=True):
    """A paper to bring; one that is not required may follow later."""

    name: str
    required: bool


class MatterView(msgspec.Struct, frozen=True):
    """What can be applied for."""

    code: str
    group: str
    name_zh: str
    name_en: str
    department_zh: str
    minutes: int
    cities: list[str]
    materials: list[MaterialView]


class ConnectionView(msgspec.Struct, frozen=True):
    """The client's media connection: `offer` is there until it was answered."""

    id: str
    offer: str | None


PathName = Literal["connecting", "connected", "silent", "away"]


class QualityView(msgspec.Struct, frozen=True):
    """How well picture and sound travel, and on whose side it is worst."""

    level: Literal["good", "fair", "poor"]
    side: Literal["own", "far"]


class OtherView(msgspec.Struct, frozen=True):
    """Somebody else in the call."""

    party: str
    mode: Literal["party", "listen", "whisper"]
    name_zh: str
    name_en: str


class CallView(msgspec.Struct, frozen=True, kw_only=True):
    """The running call as one party sees it. `far` is the other party's path, `own` this one's.

    A path is `connecting`, `connected`, `silent` (nothing heard for 2 s) or `away`. `sound_only`
    names the side whose path carries no picture now; `recording` is how the recording is doing.
    `hears` names the parties that this one hears and sees, in the order of its connection's slots.
    `party` is who this one is, as in the marks on the `desk`.
    """

    id: str
    far: PathName
    own: PathName
    far_name_zh: str
    far_name_en: str
    started_at: datetime | None
    recording: Literal["starting", "recording", "paused", "failed"]
    sound_only: Literal["own", "far"] | None
    far_shares: bool
    hears: list[str]
    others: list[OtherView]
    quality: QualityView | None
    party: str
    desk: DeskView


class QueueView(msgspec.Struct, frozen=True):
    """A group of matters of one city. `escalation`: it must be closed with an answer."""

    id: str
    city: CityView
    name_zh: str
    name_en: str
    kind: Literal["ordinary", "escalation"]


class OverflowView(msgspec.Struct, frozen=True):
    """Another city may take this visit, and why: the rule that holds, and its seconds or share."""

    city: CityView
    when: Literal["agreement", "waited", "expected_wait", "nobody_on_duty", "service_level"]
    threshold: float


class VisitView(msgspec.Struct, frozen=True, kw_only=True):
    """A visit as the resident's kiosk and the clerk see it.

    `code` proves that somebody holds the ticket; only the kiosk sees it. `elsewhere` are other
    cities whose clerks may take it, unless the resident `stays`. `for_clerk` is the one clerk it
    was transferred to. After `language_after_s` of waiting the `wish` falls back to any clerk.
    """

    id: str
    ticket: str
    code: str
    state: Literal["waiting", "away", "offered", "serving", "finished", "closed", "left"]
    queue: QueueView
    priority: PriorityName
    wish: Tongue
    language_after_s: float
    stays: bool
    elsewhere: list[OverflowView]
    for_clerk_zh: str
    for_clerk_en: str
    served_before: bool
    matter: MatterView
    city: CityView
    site: SiteView
    language: Language
    taken_at: datetime
    offered_at: datetime | None
    accepted_at: datetime | None
    ended_at: datetime | None
    ended_by: str | None
    rated: bool


class PlaceView(msgspec.Struct, frozen=True):
    """Others before this visit, and seconds until it is its turn (null: nobody on duty)."""

    ahead: int
    expected_wait_s: int | None


class KioskState(msgspec.Struct, frozen=True, kw_only=True, tag_field="role", tag="kiosk"):
    """All a kiosk shows. `visit` null is the welcome screen; `connection` may be a warm line."""

    kiosk: str
    site: SiteView
    site_city: CityView
    visit: VisitView | None
    place: PlaceView | None
    call: CallView | None
    connection: ConnectionView | None
    on_hold: bool


class WindowView(msgspec.Struct, frozen=True):
    """The clerk's desk and since when it is in this state."""

    state: Literal["off", "ready", "break", "offered", "in_call", "wrap_up", "missed"]
    since: datetime


class QueueEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One visit in line as clerks see it.

    `away`: the resident comes back later, and is called at `contact` when it is nearly their turn.
    `may_pull`: its queue lets a clerk choose it. `far` is the city it comes from by overflow.
    """

    visit: str
    ticket: str
    queue: str
    priority: PriorityName
    wish: Tongue
    away: bool
    called: bool
    contact: str
    may_pull: bool
    far: CityView | None
    expected_wait_s: int | None
    matter_zh: str
    matter_en: str
    site_zh: str
    site_en: str
    taken_at: datetime


class QueueStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A queue that this clerk serves, now and today.

    `share` of `counted` visits were answered within `target_s`; `at_risk` are about to miss it.
    """

    queue: QueueView
    level: Literal["primary", "secondary", "backup"]
    waiting: int
    longest_since: datetime | None
    on_duty: int
    ready: int
    expected_wait_s: int | None
    target_s: float
    target_share: float
    share: float | None
    counted: int
    at_risk: int
    warns: bool


class ConsultView(msgspec.Struct, frozen=True, kw_only=True):
    """Another clerk is asked about the visit on this desk, or this clerk is the one asked.

    `state` is `asked` (in line), `offered` (it rings) or `joined`. `other` is the clerk at the
    other end, once there is one.
    """

    role: Literal["asker", "asked"]
    state: Literal["asked", "offered", "joined"]
    queue: QueueView
    other_zh: str
    other_en: str
    since: datetime
    with_resident: bool


class AsideView(msgspec.Struct, frozen=True, kw_only=True):
    """A record that was set aside, to be finished later."""

    visit: str
    ticket: str
    matter_zh: str
    matter_en: str
    kind: Literal["ordinary", "escalation"]
    ended_at: datetime | None
    notes: str
    checked: list[str]


class CaseView(msgspec.Struct, frozen=True):
    """What the clerk has written on the visit."""

    notes: str
    checked: list[str]


class ClerkState(msgspec.Struct, frozen=True, kw_only=True, tag_field="role", tag="clerk"):
    """All a clerk's page shows."""

    name_zh: str
    name_en: str
    city: CityView
    window: WindowView
    ring_s: float
    queues: list[QueueStatus]
    line: list[QueueEntry]
    capacity: int
    aside: list[AsideView]
    visit: VisitView | None
    consult: ConsultView | None
    case: CaseView | None
    call: CallView | None
    connection: ConnectionView | None


ClientState = KioskState | ClerkState


class Welcome(msgspec.Struct, tag="welcome", tag_field="type", frozen=True):
    """The answer to hello. A new `epoch` means that the calls before are lost: media is renewed."""

    version: int
    session: str
    epoch: str
    server_time: datetime
    state: ClientState


class StateMessage(msgspec.Struct, tag="state", tag_field="type", frozen=True):
    """The client's whole state, replacing the one before. `seq` rises by one per session."""

    seq: int
    server_time: datetime
    state: ClientState


class Done(msgspec.Struct, tag="done", tag_field="type", frozen=True):
    """The command was carried out; the change shows in the state."""

    id: str


ErrorCode = Literal[
    "malformed",
    "unknown_type",
    "forbidden",
    "conflict",
    "not_found",
    "bad_answer",
    "bad_value",
    "too_fast",
    "no_media",
    "bad_ticket",
    "bad_version",
    "failed",
]


class Refused(msgspec.Struct, tag="refused", tag_field="type", frozen=True):
    """The command changed nothing. `id` is null when the message had none that could be read."""

    id: str | None
    code: ErrorCode
    message: str


class Gestured(msgspec.Struct, tag="gesture", tag_field="type", frozen=True):
    """Another party of the call does this on the open page; a newer one takes its place."""

    party: str
    made: AnyGesture


ServerMessage = Welcome | StateMessage | Done | Refused | Gestured

CLOSE_CODES = {
    4000: "the session was ended by the server (rights withdrawn)",
    4001: "a newer socket of the same client took over; do not come back",
    4002: "no valid hello within 5 s",
    4003: "three faults",
    4008: "the client does not read",
    4012: "the server stops; come back",
}

COMMAND_TYPES: tuple[type[Command], ...] = get_args(ClientCommand)
MESSAGE_TAGS = frozenset(
    {str(Gesture.__struct_config__.tag), *(str(c.__struct_config__.tag) for c in COMMAND_TYPES)}
)
SHARED_DESK = (
    DeskView, Page, Zoom, Mark,
    OpenPage, ClosePage, TurnPage, ZoomPage, AddMark, RemoveMark, ClearMarks,
    Pointer, Stroke, Zooming,
)  # fmt: skip
