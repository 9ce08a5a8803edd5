// Two readings of a note side by side, and what they say differently, to be decided one by one.

import { button, make } from "./dom.js";
import { looksOf } from "./labels.js";
import { TextView } from "./text_view.js";

const SIDES = [["A", "left"], ["B", "right"]];

// The two texts; `mentions` are those of the task, `differences` what the server found.
export function sideBySide(offsets, project, mentions, differences) {
  const look = looksOf(project.labels);
  const agreed = mentions.filter(({ source }) => source !== "A" && source !== "B");
  const panes = SIDES.map(([name, side]) => {
    const text = make("div", { class: "text", lang: "und" });
    const own = differences.map((one) => one[side]).filter(Boolean).map((one) => ({ ...one, judged: "changed", id: `d-${one.id}` }));
    new TextView(text, offsets, (label) => look(label)).update(new Map([...agreed, ...own].map((one) => [one.id, { ...one, judged: one.judged ?? null }])));
    return make("div", { class: "pane", tabindex: "0", role: "group", "aria-label": `Reading ${name}` }, make("h3", {}, `Reading ${name}`), text);
  });
  panes.forEach((pane, k) => pane.addEventListener("scroll", () => { panes[1 - k].scrollTop = pane.scrollTop; }, { passive: true }));
  const details = make("details", { class: "both" }, make("summary", {}, "Both readings side by side ", make("small", { class: "soft" }, "✓ both say so, ✎ they differ")), make("div", { class: "pair" }, panes));
  details.show = (difference) => panes.forEach((pane) => {
    const line = [...pane.querySelectorAll(".seg.changed")].find((one) => one.mentions.includes(`d-${(difference.left ?? difference.right).id}`));
    line?.scrollIntoView({ block: "nearest" });
  });
  return details;
}

// The differences as a list; `onTake(difference, side)` decides, with null for neither.
export function differenceList(offsets, differences, { onTake, onShow }) {
  const side = (one) => (one ? `${one.label}: ${offsets.slice(one.start, one.end)}${saidOf(one)}` : "nothing");
  return make("section", { class: "card", "aria-label": "Differences" }, make("h2", {}, `Differences (${differences.length})`),
    make("ol", { class: "differences" }, differences.map((one) => make("li", {},
      button(offsets.slice(one.start, one.end), () => onShow(one), { class: "quiet words" }),
      make("small", {}, one.fields.length ? `${one.kind}: ${one.fields.join(", ")}` : one.kind),
      make("dl", {}, SIDES.flatMap(([name, key]) => [make("dt", {}, name), make("dd", {}, side(one[key]))])),
      make("div", { class: "row" },
        SIDES.map(([name, key]) => (one[key] ? button(`Take ${name}`, () => onTake(one, key)) : null)),
        button("Neither", () => onTake(one, null)))))));
}

// What differs beside mentions: relations of one reading, and labels of the whole note.
export function otherDifferences(offsets, data, { onRelation, onLabels }) {
  const mentions = new Map(data.mentions.map((one) => [one.id, one]));
  const wordsOf = (id) => (mentions.has(id) ? offsets.slice(mentions.get(id).start, mentions.get(id).end) : id);
  const ties = data.relations.filter(({ id }) => data.relation_differences.includes(id)).map((one) => {
    const words = `${one.label}: ${Object.values(one.roles).flat().map(wordsOf).join(", ")}`;
    return make("li", {}, make("span", { class: "words" }, words), make("small", {}, `only in ${one.source}`), make("div", { class: "row" },
      button(`Take ${one.source}`, () => onRelation(one, true)), button("Neither", () => onRelation(one, false))));
  });
  const both = data.label_difference;
  const labels = both && make("li", {}, make("span", { class: "words" }, "Labels of the note"),
    make("dl", {}, SIDES.flatMap(([name, side]) => [make("dt", {}, name), make("dd", {}, both[side].join(", ") || "none")])),
    make("div", { class: "row" }, SIDES.map(([name, side]) => button(`Take ${name}`, () => onLabels(both[side])))));
  if (!ties.length && !labels) return null;
  return make("section", { class: "card", "aria-label": "Relations and labels" }, make("h2", {}, `Relations and labels (${ties.length + (labels ? 1 : 0)})`),
    make("ol", { class: "differences" }, ties, labels));
}

function saidOf({ axes }) {
  const said = Object.entries(axes).filter(([, value]) => value === true).map(([axis]) => axis);
  return said.length ? ` (${said.join(", ")})` : "";
}

