import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CODE_KEYS,
  isPhone,
  isTicket,
  masked,
  onlyKeys,
  PHONE_KEYS,
  spaced,
  TICKET_KEYS,
} from "../../kiosk_client/static/typed.js";

test("a code is typed in any case, and what no code has is not taken", () => {
  assert.equal(onlyKeys("k7m 2qx", CODE_KEYS, 6), "K7M2QX");
  assert.equal(onlyKeys("0O1IL-9!", CODE_KEYS, 6), "9");
  assert.equal(onlyKeys("ABCDEFGH", CODE_KEYS, 6), "ABCDEF");
});

test("numbers of ordinary, entitled and booked tickets are whole", () => {
  for (const ticket of ["B012", "CE003", "A1000", "B0930-1", "B0930-12"])
    assert.ok(isTicket(onlyKeys(ticket, TICKET_KEYS, 12)), ticket);
  for (const part of ["", "B", "B01", "012", "B0930-", "BEE012"]) assert.ok(!isTicket(part), part);
});

test("a telephone number has five digits at least and a plus only before them", () => {
  for (const phone of ["12345", "13812345678", "+8613812345678"])
    assert.ok(isPhone(onlyKeys(phone, PHONE_KEYS, 16)), phone);
  for (const wrong of ["1234", "+1234", "138+12345", ""]) assert.ok(!isPhone(wrong), wrong);
});

test("a code is read out in groups and a telephone number is not", () => {
  assert.equal(spaced("K7M2QX"), "K7M 2QX");
  assert.equal(spaced("K7M2QX4P"), "K7M2 QX4P");
  assert.equal(masked("13812345678"), "****5678");
});
