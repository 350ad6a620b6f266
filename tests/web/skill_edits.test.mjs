// What is changed in the skills matrix and not saved.
import assert from "node:assert/strict";
import { test } from "node:test";
import { SkillEdits } from "../../clerk_console/static/skill_edits.js";

const LI = {
  clerk: "li",
  name_zh: "李",
  name_en: "Li",
  version: "v1",
  levels: { cards: "primary", births: "backup" },
  languages: ["cmn", "en"],
  capacity: 2,
};
const WU = { ...LI, clerk: "wu", version: "v7", levels: {} };

function edits() {
  const made = new SkillEdits();
  made.rebase([LI, WU]);
  return made;
}

test("an edit stands over what the server has", () => {
  const made = edits();
  assert.equal(made.level("li", "cards"), "primary");
  assert.equal(made.level("wu", "cards"), "none");
  made.set("li", "cards", "secondary");
  assert.equal(made.level("li", "cards"), "secondary");
  assert.ok(made.has("li", "cards"));
  assert.equal(made.count, 1);
});

test("an edit back to what was there is none", () => {
  const made = edits();
  made.set("li", "cards", "none");
  made.set("li", "cards", "primary");
  made.set("li", "languages", ["en", "cmn"]);
  made.set("li", "capacity", 2);
  assert.equal(made.count, 0);
});

test("edits are taken back one by one, the last first", () => {
  const made = edits();
  made.set("li", "cards", "secondary");
  made.set("li", "cards", "backup");
  made.set("li", "capacity", 4);
  made.undo();
  assert.equal(made.capacity("li"), 2);
  made.undo();
  assert.equal(made.level("li", "cards"), "secondary");
  made.undo();
  assert.equal(made.count, 0);
  assert.equal(made.undo(), false);
});

test("only changed clerks are sent, each with all skills and the version that was seen", () => {
  const made = edits();
  made.set("li", "cards", "none");
  made.set("li", "permits", "secondary");
  assert.deepEqual(made.changed(), [
    {
      clerk: "li",
      version: "v1",
      levels: { births: "backup", permits: "secondary" },
      languages: ["cmn", "en"],
      capacity: 2,
    },
  ]);
  assert.deepEqual(LI.levels, { cards: "primary", births: "backup" });
});

test("edits stay over a newer state of the server, and are sent with its version", () => {
  const made = edits();
  made.set("li", "cards", "secondary");
  made.set("wu", "cards", "primary");
  made.rebase([
    { ...LI, version: "v2", capacity: 5 },
    { ...WU, version: "v8", levels: { cards: "primary" } },
  ]);
  assert.equal(made.count, 1); // somebody else did the other one
  assert.deepEqual(
    made.changed().map((one) => [one.version, one.capacity]),
    [["v2", 5]],
  );
});

test("edits of a clerk who is not there any more are forgotten", () => {
  const made = edits();
  made.set("wu", "cards", "primary");
  made.rebase([LI]);
  assert.equal(made.count, 0);
});

test("differences say what was and what will be", () => {
  const made = edits();
  made.set("wu", "cards", "backup");
  made.set("wu", "capacity", 0);
  assert.deepEqual(made.differences(), [
    { clerk: "wu", what: "cards", before: "none", after: "backup" },
    { clerk: "wu", what: "capacity", before: 2, after: 0 },
  ]);
});
