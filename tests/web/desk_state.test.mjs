import assert from "node:assert/strict";
import { test } from "node:test";
import {
  colleague,
  inCall,
  isOnHold,
  mayBeSetAside,
  minuteOf,
  percent,
  ringing,
  serves,
} from "../../clerk_console/static/desk_state.js";

const offered = { id: "v1", state: "offered", offered_at: "2026-11-23T04:00:00Z" };
const serving = { id: "v1", state: "serving", offered_at: "2026-11-23T04:00:00Z" };
const asked = {
  role: "asked",
  state: "offered",
  since: "2026-11-23T04:05:00Z",
  with_resident: false,
};

test("a visit of one's own rings from its offer, a consult from when it was asked", () => {
  assert.equal(ringing({ visit: null, consult: null }), null);
  assert.equal(ringing({ visit: offered, consult: null }).since, offered.offered_at);
  assert.equal(ringing({ visit: serving, consult: null }), null);
  assert.equal(ringing({ visit: serving, consult: asked }).since, asked.since);
  assert.equal(ringing({ visit: serving, consult: { ...asked, state: "joined" } }), null);
});

test("who asks does not hear it ring", () => {
  const asker = { ...asked, role: "asker" };
  assert.equal(ringing({ visit: serving, consult: asker }), null);
  assert.ok(serves({ visit: serving, consult: asker }));
});

test("who was asked is in the call once joined, and does not serve in it", () => {
  assert.ok(!inCall({ visit: serving, consult: asked }));
  const joined = { visit: serving, consult: { ...asked, state: "joined" } };
  assert.ok(inCall(joined));
  assert.ok(!serves(joined));
});

test("the resident is on hold while clerks consult without them", () => {
  assert.ok(!isOnHold({ consult: null }));
  assert.ok(!isOnHold({ consult: asked }));
  assert.ok(isOnHold({ consult: { ...asked, state: "joined" } }));
  assert.ok(!isOnHold({ consult: { ...asked, state: "joined", with_resident: true } }));
});

test("the colleague is the other clerk, and no supervisor", () => {
  const supervisor = { party: "supervisor", mode: "party" };
  assert.equal(colleague({ others: [supervisor], hears: ["resident", "supervisor"] }), null);
  const asker = { party: "clerk", mode: "party" };
  const call = { others: [supervisor, asker], hears: ["resident", "clerk", "supervisor"] };
  assert.equal(colleague(call).slot, 1);
  const again = { others: [{ party: "invited_clerk-2" }], hears: ["invited_clerk-2"] };
  assert.equal(colleague(again).slot, 0);
});

test("a queue warns before it misses its minute", () => {
  const queue = { share: 0.95, target_share: 0.9, at_risk: 0 };
  assert.equal(minuteOf(queue), "met");
  assert.equal(minuteOf({ ...queue, share: 0.9 }), "met");
  assert.equal(minuteOf({ ...queue, share: 0.89 }), "missed");
  assert.equal(minuteOf({ ...queue, share: null }), "none");
  assert.equal(minuteOf({ ...queue, at_risk: 1 }), "risk");
  assert.equal(minuteOf({ ...queue, share: null, at_risk: 2 }), "risk");
});

test("percent are never rounded up to what was not reached", () => {
  assert.equal(percent(0.9), 90);
  assert.equal(percent(0.8999), 89);
  assert.equal(percent(0.999), 99);
  assert.equal(percent(1), 100);
  assert.equal(percent(0.29), 29);
});

test("beside the record on the desk so many may be set aside", () => {
  assert.equal(mayBeSetAside({ capacity: 1, aside: [] }), 0);
  assert.equal(mayBeSetAside({ capacity: 3, aside: [] }), 2);
  assert.equal(mayBeSetAside({ capacity: 2, aside: [{}] }), 0);
  assert.equal(mayBeSetAside({ capacity: 0, aside: [] }), 0);
});
