// @ts-check
/**
 * How is a piece of page made? One function for elements, one for icons. No state, no framework.
 */

/**
 * Make an element. Properties named `on…` are listeners, `class`/`aria-*`/`data-*`/`role` are
 * attributes, others are set on the element. Children that are null, false or "" are left out.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, any> | null} [properties]
 * @param {...(Node | string | null | undefined | false)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function el(tag, properties, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && !/^(class|role|aria-|data-|list|form)/.test(name))
      /** @type {any} */ (element)[name] = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children) {
    if (child !== null && child !== undefined && child !== false && child !== "")
      element.append(child);
  }
  return element;
}

const PATHS = {
  residence: "M3 11 12 4l9 7M6 9v11h12V9M10 20v-6h4v6",
  "social-insurance": "M12 3 4 6v6c0 5 4 8 8 9 4-1 8-4 8-9V6zM9 12l2 2 4-4",
  "medical-insurance": "M4 5h16v14H4zM12 8v8M8 12h8",
  "housing-fund": "M4 21V9l8-6 8 6v12zM12 11v7M9.500 13h5",
  "real-estate": "M4 21V8h7v13M11 21V4h9v17M14 8h3M14 12h3M14 16h3M7 12h1M7 16h1",
  archives: "M4 4h16v5H4zM5 9v11h14V9M10 13h4",
  notary: "M12 3a5 5 0 0 1 3 9l1 4H8l1-4a5 5 0 0 1 3-9zM6 20h12",
  lawyers: "M12 4v16M6 20h12M5 8h14M5 8l-2 6h4zM19 8l-2 6h4z",
  enterprise: "M3 20V8l6 4V8l6 4V4h6v16z",
  foreigners: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM3 12h18M12 3c-4 5-4 13 0 18M12 3c4 5 4 13 0 18",
  employment: "M4 8h16v12H4zM9 8V5h6v3M4 13h16",
  "civil-affairs": "M12 20S4 15 4 9a4 4 0 0 1 8-1 4 4 0 0 1 8 1c0 6-8 11-8 11z",
  escalation: "M12 3 2 20h20zM12 10v4M12 17v.5",
  back: "M15 5l-7 7 7 7",
  ticket: "M3 7h18v3a2 2 0 0 0 0 4v3H3v-3a2 2 0 0 0 0-4zM15 7v2M15 11v2M15 15v2",
  elderly: "M10 3a2 2 0 1 0 0 4 2 2 0 0 0 0-4zM10 9l-2 6 3 2 1 4M8 15l-2 6M10 10l3 3h3M17 13v8",
  disabled:
    "M10 3a1.500 1.500 0 1 0 0 3 1.500 1.500 0 0 0 0-3zM10 8v6h5l3 5M10 10h5M8 11a5 5 0 1 0 6 7",
  veteran: "M8 3l4 7 4-7M12 10a5 5 0 1 0 0 10 5 5 0 0 0 0-10zM12 13v4M10 15h4",
  infant:
    "M12 10V4a7 7 0 0 1 7 6zM5 10h14a7 7 0 0 1-14 0zM5 10 3 6M9 18a1.500 1.500 0 1 0 0 3 1.500 1.500 0 0 0 0-3zM15 18a1.500 1.500 0 1 0 0 3 1.500 1.500 0 0 0 0-3z",
  returning: "M5 12a7 7 0 1 1 2 5M5 6v6h6",
  ordinary: "M12 4a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM5 20a7 7 0 0 1 14 0",
  hand: "M8 12V6a1.500 1.500 0 0 1 3 0v5M11 11V4.500a1.500 1.500 0 0 1 3 0V11M14 11V6a1.500 1.500 0 0 1 3 0v8a6 6 0 0 1-11 3l-2-4a1.500 1.500 0 0 1 3-1l1 2",
  help: "M9 9a3 3 0 1 1 4 3c-1 .5-1 1-1 2M12 17v.5M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z",
  phone: "M4 5c0 9 6 15 15 15l1-4-5-2-2 2c-2-1-4-3-5-5l2-2-2-5z",
  mic: "M12 4a2 2 0 0 1 2 2v5a2 2 0 0 1-4 0V6a2 2 0 0 1 2-2zM7 11a5 5 0 0 0 10 0M12 16v4",
  camera: "M3 7h12v10H3zM15 11l6-3v8l-6-3z",
  louder: "M4 10v4h4l5 4V6l-5 4zM16 9c1 2 1 4 0 6M18.500 7c2 3 2 7 0 10",
  speak: "M4 5h16v11H9l-5 4z",
  people:
    "M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM2 19c0-4 3-6 6-6s6 2 6 6M16 6a3 3 0 0 1 0 5M17 13c3 0 5 2 5 6",
  person: "M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM4 21c0-5 4-7 8-7s8 2 8 7",
  star: "M12 3l3 6 6 1-4.500 4.500 1 6.500-5.500-3-5.500 3 1-6.500L3 10l6-1z",
  check: "M5 12l5 5 9-10",
  clock: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 7v5l3 3",
  place: "M12 21s-7-6-7-12a7 7 0 0 1 14 0c0 6-7 12-7 12zM12 7a2 2 0 1 0 0 4 2 2 0 0 0 0-4z",
  paper: "M6 3h9l4 4v14H6zM9 12h7M9 16h7",
  play: "M7 4v16l13-8z",
  record: "M12 5a7 7 0 1 0 0 14 7 7 0 0 0 0-14z",
  screen: "M3 5h18v11H3zM9 20h6M12 16v4",
  "bars-good": "M5 20v-4M10 20v-8M15 20V8M20 20V4",
  "bars-fair": "M5 20v-4M10 20v-8M15 20v-1M20 20v-1",
  "bars-poor": "M5 20v-4M10 20v-1M15 20v-1M20 20v-1",
  "bars-unknown": "M5 20v-1M10 20v-1M15 20v-1M20 20v-1",
  pause: "M7 4h4v16H7zM14 4h4v16h-4z",
};

/**
 * A line icon; decoration beside its words, so hidden from screen readers.
 * @param {string} name
 */
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", PATHS[/** @type {keyof typeof PATHS} */ (name)] ?? PATHS.paper);
  svg.append(path);
  return svg;
}

/**
 * A face for a rating from 1 (very dissatisfied) to 5 (very satisfied).
 * @param {number} rating
 */
export function face(rating) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon face");
  svg.setAttribute("aria-hidden", "true");
  const bend = (rating - 3) * 2.2;
  const path = document.createElementNS(space, "path");
  path.setAttribute(
    "d",
    `M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20zM8.500 9v.5M15.500 9v.5M7.500 ${15 - bend / 2}Q12 ${15 + bend} 16.500 ${15 - bend / 2}`,
  );
  svg.append(path);
  return svg;
}

/**
 * Replace what an element holds.
 * @param {Element} parent
 * @param {...(Node | string | null | undefined | false)} children
 */
export function fill(parent, ...children) {
  parent.replaceChildren(
    .../** @type {(Node | string)[]} */ (
      children.filter((c) => c !== null && c !== undefined && c !== false)
    ),
  );
}

/**
 * The element with this id, which the template has.
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`no element #${id}`);
  return found;
}
