// Who holds which notes of a project; an owner gives back those of a person who has gone.

import { get, part, post } from "./api.js";
import { button, fill, make } from "./dom.js";
import { table } from "./estimates.js";
import { projectOf, tabs } from "./project_parts.js";

export async function show(root, app, id) {
  const project = projectOf(app, id), path = `projects/${part(id)}`;
  app.trail([project.name, `/p/${id}`], ["People", ""]);
  const said = make("p", { role: "status", tabindex: "-1" }), people = make("div");
  const giveBack = async (person) => {
    try {
      const { n } = await post(`${path}/release`, { person });
      said.textContent = `${n} note${n === 1 ? "" : "s"} of ${person} given back.`;
    } catch (error) {
      said.textContent = error.message;
    }
    await refresh();
    said.focus(); // the button that had it is gone
  };
  const refresh = async () => {
    const { items } = await get(`${path}/people`);
    fill(people, table("Notes by person", ["Who", "#Not begun", "#Begun", "#Done", "Held since", ""], items.map((one) => [
      one.person, one.n_open, one.n_begun, one.n_done, one.since ?? "–",
      one.n_open + one.n_begun ? button("Give back", () => giveBack(one.person), { "aria-label": `Give back the notes of ${one.person}` }) : "",
    ])));
  };
  fill(root, make("h1", {}, project.name), tabs(app, project, "/people"),
    make("p", { class: "soft" }, "Notes that a person holds and has not done are given to others again. What was judged in them is kept."),
    people, said);
  await refresh();
}
