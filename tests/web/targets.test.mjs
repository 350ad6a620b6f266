import assert from "node:assert/strict";
import { test } from "node:test";
import { matching } from "../../clerk_console/static/targets.js";

const clerk = (id, name_zh, name_en) => ({
  id,
  name_zh,
  name_en,
  level: "primary",
  state: "ready",
});
const queue = (id, name_zh, name_en, city_zh, city_en, clerks) => ({
  queue: {
    id,
    name_zh,
    name_en,
    city: { code: id.slice(0, 6), name_zh: city_zh, name_en: city_en },
  },
  clerks,
});
const liu = clerk("jiaxing2", "刘芳", "Liu Fang");
const chen = clerk("hangzhou1", "陈晓东", "Chen Xiaodong");
const TARGETS = [
  queue("330400-a", "医疗保障", "Medical insurance", "嘉兴市", "Jiaxing", [liu]),
  queue("330400-b", "不动产", "Real estate", "嘉兴市", "Jiaxing", [liu]),
  queue("330100-a", "医疗保障", "Medical insurance", "杭州市", "Hangzhou", [chen]),
];
const ids = (typed) => matching(TARGETS, typed).map(({ id }) => id);

test("nothing typed is everything, each queue before its clerks", () => {
  assert.deepEqual(ids("  "), [
    "330400-a",
    "330400-a jiaxing2",
    "330400-b",
    "330400-b jiaxing2",
    "330100-a",
    "330100-a hangzhou1",
  ]);
});

test("a queue or a city brings all its clerks", () => {
  assert.deepEqual(ids("不动产"), ["330400-b", "330400-b jiaxing2"]);
  assert.deepEqual(ids("hangzhou"), ["330100-a", "330100-a hangzhou1"]);
});

test("a clerk comes under each queue they serve", () => {
  assert.deepEqual(ids("liu"), ["330400-a", "330400-a jiaxing2", "330400-b", "330400-b jiaxing2"]);
});

test("every word must be found, of queue, city and clerk together", () => {
  assert.deepEqual(ids("MEDICAL 刘芳"), ["330400-a", "330400-a jiaxing2"]);
  assert.deepEqual(ids("medical jiaxing"), ["330400-a", "330400-a jiaxing2"]);
  assert.deepEqual(ids("medical 刘芳 杭州"), []);
  assert.deepEqual(ids("nobody"), []);
});
