// What the views of one project share: its name, and the ways between its views.

import { part, Refused } from "./api.js";
import { make } from "./dom.js";

const WAYS = [["", "Notes", 0], ["/adjudication", "Adjudication", 1], ["/agreement", "Agreement", 1], ["/people", "People", 2], ["/learn", "Learn now", 2], ["/rules", "Rules", 2]];
const RANKS = { annotator: 0, adjudicator: 1, owner: 2 };

export function projectOf(app, id) {
  const project = app.projects.find((one) => String(one.id) === id);
  if (!project) throw new Refused(404, { error: "There is no such project, or it is not yours." });
  return project;
}

// The tabs of a project that a role may open; `here` is the end of the address.
export function tabs(app, project, here) {
  const rank = RANKS[app.me.role] ?? 0;
  return make("nav", { class: "tabs", "aria-label": "Views of the project" }, WAYS.filter(([, , least]) => rank >= least)
    .map(([way, words]) => make("a", { href: `#/p/${part(project.id)}${way}`, "aria-current": way === here ? "page" : null }, words)));
}
