// A number with its interval: in words, in a cell, and as a line between two ends.

import { make } from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";

export function inWords(estimate, digits = 3) {
  if (!estimate || estimate.value === null) return "–";
  const [value, low, high] = [estimate.value, estimate.low, estimate.high].map((one) => one?.toFixed(digits));
  return low === undefined || high === undefined ? value : `${value} [${low}, ${high}]`;
}

export function cell(estimate, digits = 3) {
  const [value, interval] = inWords(estimate, digits).split(" [");
  return make("td", { class: "number" }, value, interval ? make("small", {}, ` [${interval}`) : null);
}

// A bar of an interval from `low` to `high`, with a mark at the value.
export function interval(estimate, [low, high] = [0, 1]) {
  const svg = drawn("svg", { class: "interval", viewBox: "0 0 100 12", preserveAspectRatio: "none", "aria-hidden": "true" });
  if (!estimate || estimate.value === null) return svg;
  const at = (value) => Math.max(0, Math.min(100, (100 * ((value ?? estimate.value) - low)) / (high - low)));
  svg.append(drawn("line", { x1: 0, x2: 100, y1: 6, y2: 6, class: "ground" }));
  if (low < 0) svg.append(drawn("line", { x1: at(0), x2: at(0), y1: 0, y2: 12, class: "ground" }));
  svg.append(drawn("line", { x1: at(estimate.low), x2: at(estimate.high), y1: 6, y2: 6, class: "range" }),
    drawn("rect", { x: at(estimate.value) - 0.8, y: 1, width: 1.6, height: 10, class: "value" }));
  return svg;
}

function drawn(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

// A table in a frame that scrolls; each row is an array of words and cells, the first names it.
export function table(title, heads, rows) {
  if (!rows.length) return make("p", { class: "soft" }, `${title}: nothing yet.`);
  const head = heads.map((words) => make("th", { scope: "col", class: words.startsWith("#") ? "number" : null }, words.replace("#", "")));
  const body = rows.map(([first, ...cells]) => make("tr", {}, make("th", { scope: "row" }, first),
    cells.map((one) => (one instanceof Element && one.tagName === "TD" ? one : make("td", { class: typeof one === "number" ? "number" : null }, one instanceof Element ? one : String(one))))));
  return make("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": title },
    make("table", {}, make("caption", {}, title), make("thead", {}, make("tr", {}, head)), make("tbody", {}, body)));
}
