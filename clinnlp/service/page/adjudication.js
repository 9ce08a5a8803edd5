// The notes on which two people differ.

import { get, part } from "./api.js";
import { fill, make } from "./dom.js";
import { projectOf, tabs } from "./project_parts.js";

const STATES = { open: "○ open", begun: "◐ begun", done: "● decided" };

export async function show(root, app, id) {
  const project = projectOf(app, id);
  app.trail([project.name, `/p/${id}`], ["Adjudication", ""]);
  const { items } = await get(`projects/${part(id)}/adjudication`);
  fill(root, make("h1", {}, project.name), tabs(app, project, "/adjudication"),
    make("p", { class: "soft" }, "Notes that two people have done and read differently. Who they are is not told here."),
    items.length ? make("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "Notes" }, make("table", {},
      make("thead", {}, make("tr", {}, ["Note", "State"].map((words) => make("th", { scope: "col" }, words)))),
      make("tbody", {}, items.map(({ task, title, state }) => make("tr", { class: state },
        make("td", {}, make("a", { href: `#/p/${part(id)}/a/${part(task)}` }, title)), make("td", {}, STATES[state] ?? state))))))
      : make("p", {}, "Nothing is to be decided."));
}
