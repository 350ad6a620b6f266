import assert from "node:assert/strict";
import { test } from "node:test";
import { faultOf, findDevice, reasonOf } from "../../signaling/web/static/devices.js";

const desk = { deviceId: "1", label: "Desk camera" };
const lid = { deviceId: "2", label: "Lid camera" };

test("a remembered device is found by its id, else by its name", () => {
  assert.equal(findDevice({ id: "2", label: "Desk camera" }, [desk, lid]), lid);
  assert.equal(findDevice({ id: "9", label: "Desk camera" }, [desk, lid]), desk);
});

test("a device that is gone is not replaced by a nameless one", () => {
  assert.equal(findDevice({ id: "9", label: "Old camera" }, [desk, lid]), null);
  assert.equal(findDevice({ id: "9", label: "" }, [{ deviceId: "3", label: "" }]), null);
  assert.equal(findDevice(undefined, [desk]), null);
});

test("the browser's errors are three faults", () => {
  assert.equal(faultOf("NotAllowedError"), "denied");
  assert.equal(faultOf("NotFoundError"), "absent");
  assert.equal(faultOf("OverconstrainedError"), "absent");
  assert.equal(faultOf("NotReadableError"), "busy");
});

test("what is wrong with both devices is one word", () => {
  assert.equal(reasonOf("", ""), "");
  assert.equal(reasonOf("busy", ""), "camera");
  assert.equal(reasonOf("", "absent"), "microphone");
  assert.equal(reasonOf("absent", "denied"), "devices");
  assert.equal(reasonOf("denied", "denied"), "denied");
});
