// The projects that one may see, and how far each is.

import { get, part } from "./api.js";
import { fill, make } from "./dom.js";

export async function show(root, app) {
  app.trail();
  app.projects = await get("projects"); // its counts have changed since
  fill(root, make("h1", {}, "Projects"), app.projects.length ? make("ul", { class: "cards" }, app.projects.map(card))
    : make("p", { class: "soft" }, "There is no project yet. An owner makes one with “clinnlp review create”."));
}

function card({ id, name, labels, n_notes: n, n_done: done, annotators }) {
  const path = `#/p/${part(id)}`;
  return make("li", { class: "card" },
    make("h2", {}, make("a", { href: path }, name)),
    make("progress", { max: n || 1, value: done, "aria-label": `${done} of ${n} notes done` }),
    make("p", { class: "soft" }, `${done} of ${n} notes done`, annotators === undefined ? "" : ` · ${countOf(annotators)}`),
    make("p", { class: "soft" }, labels.join(", ")));
}

function countOf(annotators) {
  const n = Array.isArray(annotators) ? annotators.length : annotators;
  return `${n} annotator${n === 1 ? "" : "s"} per note`;
}
