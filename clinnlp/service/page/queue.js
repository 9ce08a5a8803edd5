// The notes of a project in the order in which they are to be judged.

import { get, part } from "./api.js";
import { fill, make } from "./dom.js";
import { markdown } from "./markdown.js";
import { projectOf, tabs } from "./project_parts.js";

const STATES = { open: "○ open", begun: "◐ begun", done: "● done" };

export async function show(root, app, id) {
  const project = projectOf(app, id);
  app.trail([project.name, `/p/${id}`]);
  const { items, n_left: left } = await get(`projects/${part(id)}/queue`);
  const next = items.find(({ state }) => state !== "done");
  fill(root, make("h1", {}, project.name), tabs(app, project, ""),
    make("div", { class: "row" },
      next ? make("a", { class: "button main", href: address(id, next) }, next.state === "begun" ? "Go on" : "Begin") : make("strong", {}, items.length ? "All notes are done." : "No note is free for you now."),
      make("span", { class: "soft" }, `${left ?? items.filter(({ state }) => state !== "done").length} notes left`)),
    make("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "Notes" }, make("table", {},
      make("thead", {}, make("tr", {}, ["Note", "State"].map((words) => make("th", { scope: "col" }, words)))),
      make("tbody", {}, items.map((item) => make("tr", { class: item.state },
        make("td", {}, make("a", { href: address(id, item) }, item.title ?? String(item.note))),
        make("td", {}, STATES[item.state] ?? item.state)))))),
    project.guideline ? make("details", { class: "card" }, make("summary", {}, "Guideline"), make("div", { class: "guideline" }, markdown(project.guideline))) : null);
}

function address(project, { task }) { return `#/p/${part(project)}/t/${part(task)}`; }
