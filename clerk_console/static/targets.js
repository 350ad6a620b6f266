// @ts-check
/**
 * Which queues and clerks match what was typed? Pure.
 */

/** @import {QueueView} from "/static/kit/protocol.js" */
/**
 * @typedef {object} TargetClerk
 * @property {string} id
 * @property {string} name_zh
 * @property {string} name_en
 * @property {string} level
 * @property {string} state
 * @property {string} since
 */
/**
 * @typedef {object} TargetQueue
 * @property {QueueView} queue
 * @property {number} waiting
 * @property {number} on_duty
 * @property {number} ready
 * @property {number | null} expected_wait_s
 * @property {TargetClerk[]} clerks
 */
/** @typedef {{id: string, queue: TargetQueue, clerk: TargetClerk | null}} Target */

/**
 * The targets as one list, each queue before its clerks. Every word that was typed must stand in the
 * name of a queue or its city, which brings all its clerks, or in that of a clerk.
 * @param {TargetQueue[]} queues
 * @param {string} typed
 * @returns {Target[]}
 */
export function matching(queues, typed) {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  return queues.flatMap((target) => {
    const { queue } = target;
    const names = [queue.name_zh, queue.name_en, queue.city.name_zh, queue.city.name_en];
    const missing = words.filter((word) => !has(names, word));
    const clerks = target.clerks.filter(({ name_zh, name_en }) =>
      missing.every((word) => has([name_zh, name_en], word)),
    );
    if (missing.length && !clerks.length) return [];
    return [
      { id: queue.id, queue: target, clerk: null },
      ...clerks.map((clerk) => ({ id: `${queue.id} ${clerk.id}`, queue: target, clerk })),
    ];
  });
}

/** @param {string[]} names @param {string} word */
function has(names, word) {
  return names.some((name) => name.toLowerCase().includes(word));
}
