// Made from signaling/protocol.py by `virtual-window docs`; do not edit.

/** A line that is finished; its stroke had the same name while it grew. */
export interface AddMark {
  change: "add_mark";
  page: string;
  mark: string;
  tool: "highlight" | "pen";
  places: number[];
}

/** Take one's own marks of this page away, or as the serving clerk all of them. */
export interface ClearMarks {
  change: "clear_marks";
  page: string;
}

/** Nothing is to lie open. */
export interface ClosePage {
  change: "close_page";
}

/** The shared desk as everybody sees it. `page` null: nothing lies on it. `version` rises with each change. `rotation` is clockwise, in degrees. */
export interface DeskView {
  version: number;
  page: Page | null;
  rotation: 0 | 180 | 270 | 90;
  zoom: Zoom;
  marks: Mark[];
}

/** A line that a party has drawn on a page: `places` is x, y, x, y, … . */
export interface Mark {
  id: string;
  author: string;
  tool: "highlight" | "pen";
  places: number[];
}

/** This page is to lie open, whole; the one before goes aside with its marks. */
export interface OpenPage {
  change: "open_page";
  page: Page;
}

/** A page of a document: its id, and its size in pixels as it was scanned. */
export interface Page {
  id: string;
  width: number;
  height: number;
}

/** The party points here; without `here` it has stopped. */
export interface Pointer {
  gesture: "pointer";
  page: string;
  x: number;
  y: number;
  here?: boolean;
}

/** Take a mark away: one's own, or as the serving clerk any. */
export interface RemoveMark {
  change: "remove_mark";
  mark: string;
}

/** A line grows: `places` are its newest, from number `start` on, of which some were told. */
export interface Stroke {
  gesture: "stroke";
  page: string;
  mark: string;
  tool: "highlight" | "pen";
  start: number;
  places: number[];
}

/** This page is to be turned so far from how it was scanned. */
export interface TurnPage {
  change: "turn_page";
  page: string;
  rotation: 0 | 180 | 270 | 90;
}

/** The part of the page that everybody is to see, at least: shares from its top left. */
export interface Zoom {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Fingers or a wheel are at it; where they stop comes as a change. */
export interface Zooming {
  gesture: "zooming";
  page: string;
  zoom: Zoom;
}

/** Everybody is to see this part of the page. */
export interface ZoomPage {
  change: "zoom_page";
  page: string;
  zoom: Zoom;
}

/** The first message on a socket: a single-use ticket of 30 s from `POST /api/line-tickets`. */
export interface Hello {
  type: "hello";
  ticket: string;
  versions: number[];
}

/** The resident agreed to the recording notice and joins the line. Kiosks only. `wish` is the language to be served in (BCP 47, "" for any). `priority` gives a head start; `returning` needs ticket and code of today's earlier visit. */
export interface TakeTicket {
  type: "take_ticket";
  id: string;
  matter: string;
  city: string;
  language: "en" | "zh_CN";
  notice_version: string;
  priority?: "disabled" | "elderly" | "infant" | "ordinary" | "returning" | "veteran";
  wish?: "" | "cmn" | "csl" | "en" | "wuu" | "yue";
  earlier_ticket?: string;
  earlier_code?: string;
}

/** A resident with an appointment agreed to the recording notice and joins the line. Kiosks. On time the ticket is placed by the booked half hour; early or late it is an ordinary one. */
export interface CheckIn {
  type: "check_in";
  id: string;
  code: string;
  language: "en" | "zh_CN";
  notice_version: string;
  wish?: "" | "cmn" | "csl" | "en" | "wuu" | "yue";
}

/** The resident gives the ticket back before being served. Kiosks only. */
export interface LeaveLine {
  type: "leave_line";
  id: string;
  visit: string;
}

/** The resident waits for their own city, or may be served by another after all. Kiosks. */
export interface SetStays {
  type: "set_stays";
  id: string;
  visit: string;
  stays: boolean;
}

/** The resident goes away and keeps the place; `contact` is a telephone number. Kiosks. */
export interface ComeBackLater {
  type: "come_back_later";
  id: string;
  visit: string;
  contact: string;
}

/** The resident is back at this kiosk, with ticket and code. Kiosks only. */
export interface ComeBack {
  type: "come_back";
  id: string;
  ticket: string;
  code: string;
}

/** The resident rates the service, once: 1 very dissatisfied to 5 very satisfied. Kiosks. */
export interface Rate {
  type: "rate";
  id: string;
  visit: string;
  rating: number;
  reasons?: string[];
}

/** The kiosk has forgotten this visit and is free for the next resident. Kiosks only. */
export interface Wipe {
  type: "wipe";
  id: string;
  visit: string;
}

/** The clerk is ready, takes a break or goes off duty. Clerks only. */
export interface SetWindow {
  type: "set_window";
  id: string;
  step: "be_ready" | "go_off" | "take_break";
}

/** The clerk takes the visit that rings. Clerks only. */
export interface Accept {
  type: "accept";
  id: string;
  visit: string;
}

/** The clerk refuses the visit that rings and is on a break. Clerks only. */
export interface Decline {
  type: "decline";
  id: string;
  visit: string;
  reason?: string;
}

/** The clerk takes a visit of their own choice, where its queue allows it. Clerks only. */
export interface Pull {
  type: "pull";
  id: string;
  visit: string;
}

/** The clerk has called a resident who is away: it is nearly their turn. Clerks only. */
export interface CallBack {
  type: "call_back";
  id: string;
  visit: string;
}

/** The visit goes to the line of a queue, or waits for one clerk of it. Clerks only. It keeps its place and its record; this clerk is then ready, or on a break. */
export interface Transfer {
  type: "transfer";
  id: string;
  visit: string;
  queue: string;
  clerk?: string | null;
  ready?: boolean;
}

/** Ask a queue, or one clerk of it, to join this call. Clerks only. It rings there like a visit. The resident is on hold from when the other joins. */
export interface AskConsult {
  type: "ask_consult";
  id: string;
  visit: string;
  queue: string;
  clerk?: string | null;
}

/** Take the resident into the talk of both clerks, or put them on hold again. Clerks only. */
export interface SetThreeWay {
  type: "set_three_way";
  id: string;
  visit: string;
  with_resident: boolean;
}

/** Take back what was asked, end a consult, or leave the one that was joined. Clerks only. */
export interface EndConsult {
  type: "end_consult";
  id: string;
  visit: string;
}

/** Leave the call to the clerk who joined; this clerk is then ready, or on a break. Clerks. */
export interface HandOver {
  type: "hand_over";
  id: string;
  visit: string;
  ready?: boolean;
}

/** Finish the record of the visit that has just ended later. Clerks only. */
export interface SetAside {
  type: "set_aside";
  id: string;
  visit: string;
  ready?: boolean;
}

/** Keep the clerk's notes and the materials that were seen. Clerks only. */
export interface KeepCase {
  type: "keep_case";
  id: string;
  visit: string;
  notes: string;
  checked: string[];
}

/** End the record with an outcome. Clerks only. A visit of an escalation queue needs an `answer` to the resident. `ready` counts only for the record on the desk, not for one that was set aside. */
export interface CloseVisit {
  type: "close_visit";
  id: string;
  visit: string;
  outcome: "accepted" | "accepted_with_deferral" | "advice_only" | "completed" | "declined" | "left" | "needs_correction" | "transferred";
  ready: boolean;
  answer?: string;
}

/** End the call of this visit and no other. Kiosks and clerks. */
export interface EndCall {
  type: "end_call";
  id: string;
  visit: string;
}

/** Ask for a new media connection: after a reload or when the path was lost. With `call` null it is a warm line: connected before the call, nothing of it is passed on. */
export interface Connect {
  type: "connect";
  id: string;
  call: string | null;
}

/** The browser's SDP answer to the offer of this connection. */
export interface Answer {
  type: "answer";
  id: string;
  connection: string;
  sdp: string;
}

/** The first picture of the other party was decoded here. */
export interface Playing {
  type: "playing";
  id: string;
  call: string;
}

/** Pause the recording where the law wants it, or let it go on. Clerks only. */
export interface SetRecording {
  type: "set_recording";
  id: string;
  visit: string;
  running: boolean;
}

/** This party shows its screen or document camera on the third track, or does no longer. */
export interface SetSharing {
  type: "set_sharing";
  id: string;
  call: string;
  sharing: boolean;
}

/** One direction of a party's media over the last five seconds, from the browser's statistics. `loss` is a share, `jitter_ms` and `round_trip_ms` milliseconds, `bitrate_bps` bits a second, `freezes` how often the picture stood, `concealed` the share of the sound that was made up. */
export interface Direction {
  loss?: number;
  jitter_ms?: number;
  round_trip_ms?: number;
  bitrate_bps?: number;
  width?: number;
  height?: number;
  frames_a_second?: number;
  freezes?: number;
  concealed?: number;
}

/** How this party receives and sends, each five seconds of a call. */
export interface ReportQuality {
  type: "report_quality";
  id: string;
  call: string;
  received: Direction;
  sent: Direction;
}

/** This party opens, turns, zooms or marks a page on the shared desk. */
export interface ChangeDesk {
  type: "change_desk";
  id: string;
  call: string;
  change: OpenPage | ClosePage | TurnPage | ZoomPage | AddMark | RemoveMark | ClearMarks;
}

/** What this party does on the open page, for the others to see at once. It has no id and no answer; of more than 40 a second, and of what nobody may see, nothing comes. */
export interface Gesture {
  type: "gesture";
  call: string;
  made: Pointer | Stroke | Zooming;
}

/** A city, by its GB/T 2260 code. */
export interface CityView {
  code: string;
  name_zh: string;
  name_en: string;
}

/** A place where kiosks stand. */
export interface SiteView {
  id: string;
  name_zh: string;
  name_en: string;
}

/** A paper to bring; one that is not required may follow later. */
export interface MaterialView {
  name: string;
  required: boolean;
}

/** What can be applied for. */
export interface MatterView {
  code: string;
  group: string;
  name_zh: string;
  name_en: string;
  department_zh: string;
  minutes: number;
  cities: string[];
  materials: MaterialView[];
}

/** The client's media connection: `offer` is there until it was answered. */
export interface ConnectionView {
  id: string;
  offer: string | null;
}

/** How well picture and sound travel, and on whose side it is worst. */
export interface QualityView {
  level: "fair" | "good" | "poor";
  side: "far" | "own";
}

/** Somebody else in the call. */
export interface OtherView {
  party: string;
  mode: "listen" | "party" | "whisper";
  name_zh: string;
  name_en: string;
}

/** The running call as one party sees it. `far` is the other party's path, `own` this one's. A path is `connecting`, `connected`, `silent` (nothing heard for 2 s) or `away`. `sound_only` names the side whose path carries no picture now; `recording` is how the recording is doing. `hears` names the parties that this one hears and sees, in the order of its connection's slots. `party` is who this one is, as in the marks on the `desk`. */
export interface CallView {
  id: string;
  far: "away" | "connected" | "connecting" | "silent";
  own: "away" | "connected" | "connecting" | "silent";
  far_name_zh: string;
  far_name_en: string;
  started_at: string | null;
  recording: "failed" | "paused" | "recording" | "starting";
  sound_only: "far" | "own" | null;
  far_shares: boolean;
  hears: string[];
  others: OtherView[];
  quality: QualityView | null;
  party: string;
  desk: DeskView;
}

/** A group of matters of one city. `escalation`: it must be closed with an answer. */
export interface QueueView {
  id: string;
  city: CityView;
  name_zh: string;
  name_en: string;
  kind: "escalation" | "ordinary";
}

/** Another city may take this visit, and why: the rule that holds, and its seconds or share. */
export interface OverflowView {
  city: CityView;
  when: "agreement" | "expected_wait" | "nobody_on_duty" | "service_level" | "waited";
  threshold: number;
}

/** A visit as the resident's kiosk and the clerk see it. `code` proves that somebody holds the ticket; only the kiosk sees it. `elsewhere` are other cities whose clerks may take it, unless the resident `stays`. `for_clerk` is the one clerk it was transferred to. After `language_after_s` of waiting the `wish` falls back to any clerk. */
export interface VisitView {
  id: string;
  ticket: string;
  code: string;
  state: "away" | "closed" | "finished" | "left" | "offered" | "serving" | "waiting";
  queue: QueueView;
  priority: "booked" | "disabled" | "elderly" | "infant" | "ordinary" | "returning" | "veteran";
  wish: "" | "cmn" | "csl" | "en" | "wuu" | "yue";
  language_after_s: number;
  stays: boolean;
  elsewhere: OverflowView[];
  for_clerk_zh: string;
  for_clerk_en: string;
  served_before: boolean;
  matter: MatterView;
  city: CityView;
  site: SiteView;
  language: "en" | "zh_CN";
  taken_at: string;
  offered_at: string | null;
  accepted_at: string | null;
  ended_at: string | null;
  ended_by: string | null;
  rated: boolean;
}

/** Others before this visit, and seconds until it is its turn (null: nobody on duty). */
export interface PlaceView {
  ahead: number;
  expected_wait_s: number | null;
}

/** All a kiosk shows. `visit` null is the welcome screen; `connection` may be a warm line. */
export interface KioskState {
  role: "kiosk";
  kiosk: string;
  site: SiteView;
  site_city: CityView;
  visit: VisitView | null;
  place: PlaceView | null;
  call: CallView | null;
  connection: ConnectionView | null;
  on_hold: boolean;
}

/** The clerk's desk and since when it is in this state. */
export interface WindowView {
  state: "break" | "in_call" | "missed" | "off" | "offered" | "ready" | "wrap_up";
  since: string;
}

/** One visit in line as clerks see it. `away`: the resident comes back later, and is called at `contact` when it is nearly their turn. `may_pull`: its queue lets a clerk choose it. `far` is the city it comes from by overflow. */
export interface QueueEntry {
  visit: string;
  ticket: string;
  queue: string;
  priority: "booked" | "disabled" | "elderly" | "infant" | "ordinary" | "returning" | "veteran";
  wish: "" | "cmn" | "csl" | "en" | "wuu" | "yue";
  away: boolean;
  called: boolean;
  contact: string;
  may_pull: boolean;
  far: CityView | null;
  expected_wait_s: number | null;
  matter_zh: string;
  matter_en: string;
  site_zh: string;
  site_en: string;
  taken_at: string;
}

/** A queue that this clerk serves, now and today. `share` of `counted` visits were answered within `target_s`; `at_risk` are about to miss it. */
export interface QueueStatus {
  queue: QueueView;
  level: "backup" | "primary" | "secondary";
  waiting: number;
  longest_since: string | null;
  on_duty: number;
  ready: number;
  expected_wait_s: number | null;
  target_s: number;
  target_share: number;
  share: number | null;
  counted: number;
  at_risk: number;
  warns: boolean;
}

/** Another clerk is asked about the visit on this desk, or this clerk is the one asked. `state` is `asked` (in line), `offered` (it rings) or `joined`. `other` is the clerk at the other end, once there is one. */
export interface ConsultView {
  role: "asked" | "asker";
  state: "asked" | "joined" | "offered";
  queue: QueueView;
  other_zh: string;
  other_en: string;
  since: string;
  with_resident: boolean;
}

/** A record that was set aside, to be finished later. */
export interface AsideView {
  visit: string;
  ticket: string;
  matter_zh: string;
  matter_en: string;
  kind: "escalation" | "ordinary";
  ended_at: string | null;
  notes: string;
  checked: string[];
}

/** What the clerk has written on the visit. */
export interface CaseView {
  notes: string;
  checked: string[];
}

/** All a clerk's page shows. */
export interface ClerkState {
  role: "clerk";
  name_zh: string;
  name_en: string;
  city: CityView;
  window: WindowView;
  ring_s: number;
  queues: QueueStatus[];
  line: QueueEntry[];
  capacity: number;
  aside: AsideView[];
  visit: VisitView | null;
  consult: ConsultView | null;
  case: CaseView | null;
  call: CallView | null;
  connection: ConnectionView | null;
}

/** The answer to hello. A new `epoch` means that the calls before are lost: media is renewed. */
export interface Welcome {
  type: "welcome";
  version: number;
  session: string;
  epoch: string;
  server_time: string;
  state: KioskState | ClerkState;
}

/** The client's whole state, replacing the one before. `seq` rises by one per session. */
export interface StateMessage {
  type: "state";
  seq: number;
  server_time: string;
  state: KioskState | ClerkState;
}

/** The command was carried out; the change shows in the state. */
export interface Done {
  type: "done";
  id: string;
}

/** The command changed nothing. `id` is null when the message had none that could be read. */
export interface Refused {
  type: "refused";
  id: string | null;
  code: "bad_answer" | "bad_ticket" | "bad_value" | "bad_version" | "conflict" | "failed" | "forbidden" | "malformed" | "no_media" | "not_found" | "too_fast" | "unknown_type";
  message: string;
}

/** Another party of the call does this on the open page; a newer one takes its place. */
export interface Gestured {
  type: "gesture";
  party: string;
  made: Pointer | Stroke | Zooming;
}

export type ClientState = KioskState | ClerkState;

export type ServerMessage = Welcome | StateMessage | Done | Refused | Gestured;

export type ClientMessage = Hello | Gesture | TakeTicket | CheckIn | LeaveLine | SetStays | ComeBackLater | ComeBack | Rate | Wipe | SetWindow | Accept | Decline | Pull | CallBack | Transfer | AskConsult | SetThreeWay | EndConsult | HandOver | KeepCase | SetAside | CloseVisit | EndCall | Connect | Answer | Playing | SetRecording | SetSharing | ReportQuality | ChangeDesk;

/** The fields of each command, without its type and id. */
export interface CommandFields {
  take_ticket: Omit<TakeTicket, "type" | "id">;
  check_in: Omit<CheckIn, "type" | "id">;
  leave_line: Omit<LeaveLine, "type" | "id">;
  set_stays: Omit<SetStays, "type" | "id">;
  come_back_later: Omit<ComeBackLater, "type" | "id">;
  come_back: Omit<ComeBack, "type" | "id">;
  rate: Omit<Rate, "type" | "id">;
  wipe: Omit<Wipe, "type" | "id">;
  set_window: Omit<SetWindow, "type" | "id">;
  accept: Omit<Accept, "type" | "id">;
  decline: Omit<Decline, "type" | "id">;
  pull: Omit<Pull, "type" | "id">;
  call_back: Omit<CallBack, "type" | "id">;
  transfer: Omit<Transfer, "type" | "id">;
  ask_consult: Omit<AskConsult, "type" | "id">;
  set_three_way: Omit<SetThreeWay, "type" | "id">;
  end_consult: Omit<EndConsult, "type" | "id">;
  hand_over: Omit<HandOver, "type" | "id">;
  keep_case: Omit<KeepCase, "type" | "id">;
  set_aside: Omit<SetAside, "type" | "id">;
  close_visit: Omit<CloseVisit, "type" | "id">;
  end_call: Omit<EndCall, "type" | "id">;
  connect: Omit<Connect, "type" | "id">;
  answer: Omit<Answer, "type" | "id">;
  playing: Omit<Playing, "type" | "id">;
  set_recording: Omit<SetRecording, "type" | "id">;
  set_sharing: Omit<SetSharing, "type" | "id">;
  report_quality: Omit<ReportQuality, "type" | "id">;
  change_desk: Omit<ChangeDesk, "type" | "id">;
}
