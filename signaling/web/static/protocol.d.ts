// Made from signaling/protocol.py by `virtual-window docs`; do not edit.

/** The first message on a socket: a single-use ticket of 30 s from `POST /api/line-tickets`. */
export interface Hello {
  type: "hello";
  ticket: string;
  versions: number[];
}

/** The resident agreed to the recording notice and joins the line. Kiosks only. */
export interface TakeTicket {
  type: "take_ticket";
  id: string;
  matter: string;
  city: string;
  language: "en" | "zh_CN";
  notice_version: string;
}

/** The resident gives the ticket back before being served. Kiosks only. */
export interface LeaveLine {
  type: "leave_line";
  id: string;
  visit: string;
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
}

/** Keep the clerk's notes and the materials that were seen. Clerks only. */
export interface KeepCase {
  type: "keep_case";
  id: string;
  visit: string;
  notes: string;
  checked: string[];
}

/** End the wrap-up with an outcome. Clerks only. */
export interface CloseVisit {
  type: "close_visit";
  id: string;
  visit: string;
  outcome: "accepted" | "accepted_with_deferral" | "advice_only" | "completed" | "declined" | "left" | "needs_correction" | "transferred";
  ready: boolean;
}

/** End the call of this visit and no other. Kiosks and clerks. */
export interface EndCall {
  type: "end_call";
  id: string;
  visit: string;
}

/** Ask for a new media connection: after a reload or when the path was lost. With `call` null it is a warm line: connected before the call, nothing flows on it. */
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
}

/** The running call as one party sees it. `far` is the other party's path, `own` this one's. A path is `connecting`, `connected`, `silent` (nothing heard for 2 s) or `away`. `sound_only` names the side whose path carries no picture now; `recording` is how the recording is doing. */
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
  others: OtherView[];
  quality: QualityView | null;
}

/** A visit as the resident's kiosk and the clerk see it. */
export interface VisitView {
  id: string;
  ticket: string;
  state: "closed" | "finished" | "left" | "offered" | "serving" | "waiting";
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
}

/** The clerk's desk and since when it is in this state. */
export interface WindowView {
  state: "break" | "in_call" | "missed" | "off" | "offered" | "ready" | "wrap_up";
  since: string;
}

/** One visit in line as clerks see it: no personal data. */
export interface QueueEntry {
  ticket: string;
  matter_zh: string;
  matter_en: string;
  site_zh: string;
  site_en: string;
  taken_at: string;
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
  line: QueueEntry[];
  visit: VisitView | null;
  case: CaseView | null;
  call: CallView | null;
  connection: ConnectionView | null;
}

/** The answer to hello. A new `epoch` means another server process: media must be renewed. */
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

export type ClientState = KioskState | ClerkState;

export type ServerMessage = Welcome | StateMessage | Done | Refused;

export type ClientMessage = Hello | TakeTicket | LeaveLine | Rate | Wipe | SetWindow | Accept | Decline | KeepCase | CloseVisit | EndCall | Connect | Answer | Playing | SetRecording | SetSharing | ReportQuality;

/** The fields of each command, without its type and id. */
export interface CommandFields {
  take_ticket: Omit<TakeTicket, "type" | "id">;
  leave_line: Omit<LeaveLine, "type" | "id">;
  rate: Omit<Rate, "type" | "id">;
  wipe: Omit<Wipe, "type" | "id">;
  set_window: Omit<SetWindow, "type" | "id">;
  accept: Omit<Accept, "type" | "id">;
  decline: Omit<Decline, "type" | "id">;
  keep_case: Omit<KeepCase, "type" | "id">;
  close_visit: Omit<CloseVisit, "type" | "id">;
  end_call: Omit<EndCall, "type" | "id">;
  connect: Omit<Connect, "type" | "id">;
  answer: Omit<Answer, "type" | "id">;
  playing: Omit<Playing, "type" | "id">;
  set_recording: Omit<SetRecording, "type" | "id">;
  set_sharing: Omit<SetSharing, "type" | "id">;
  report_quality: Omit<ReportQuality, "type" | "id">;
}
