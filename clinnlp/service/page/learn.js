// Learn from what was judged, beside the work; compare the new model with the old, use it or go back.

import { announce } from "./announce.js";
import { get, part, post } from "./api.js";
import { button, fill, make } from "./dom.js";
import { inWords, interval } from "./estimates.js";
import { projectOf, tabs } from "./project_parts.js";

const AGAIN_MS = 1500;
const STATES = {
  waiting: "… waiting", running: "… learning", stopped: "‖ stopped", failed: "✕ failed", done: "✓ learned", used: "● in use",
};
const STEPS = { // state → [path, words] of what one may do then
  waiting: [["cancel", "Stop"]], running: [["cancel", "Stop"]], stopped: [["resume", "Go on"]],
  done: [["use", "Use the new model"]], used: [["rollback", "Back to the old model"]],
};

export async function show(root, app, id) {
  const project = projectOf(app, id), path = `projects/${part(id)}`;
  app.trail([project.name, `/p/${id}`], ["Learn now", ""]);
  const said = make("p", { role: "status", class: "bad-words" }), runs = make("div", { class: "runs" });
  let timer = null, isGone = false, states = "";
  const step = async (where) => {
    said.textContent = "";
    try {
      await post(`${path}/${where}`);
    } catch (error) {
      said.textContent = error.message;
    }
    await refresh();
  };
  const refresh = async () => {
    clearTimeout(timer);
    const { items } = await get(`${path}/runs`);
    if (isGone) return;
    const isBusy = items.some(({ state }) => state === "waiting" || state === "running");
    start.disabled = isBusy;
    const now = JSON.stringify(items);
    if (now !== states) fill(runs, items.map((run) => cardOf(run, step)));
    states = now;
    if (isBusy) timer = setTimeout(() => refresh().catch(() => {}), AGAIN_MS);
  };
  const start = button("Learn now", () => { announce("Learning begins."); return step("learn"); }, { class: "main" });
  fill(root, make("h1", {}, project.name), tabs(app, project, "/learn"),
    make("p", { class: "soft" }, "A new model learns from the notes that are done, while you go on. A part of the judged notes is kept aside; on it the new model is compared with the old."),
    make("div", { class: "row" }, start, said), runs);
  await refresh();
  return { leave() { isGone = true; clearTimeout(timer); } };
}

function cardOf(run, step) {
  const steps = (STEPS[run.state] ?? []).map(([path, words]) => button(words, () => step(`runs/${run.run}/${path}`)));
  return make("section", { class: "card run", "aria-label": `Run ${run.run}` },
    make("h2", {}, `Run ${run.run} `, make("span", { class: `run-state ${run.state}` }, STATES[run.state] ?? run.state)),
    run.total && run.state === "running" ? make("progress", { max: run.total, value: run.done, "aria-label": `${run.done} of ${run.total} steps` }) : null,
    run.n_notes === null ? null : make("p", { class: "soft" }, `learned from ${run.n_notes} notes, compared on ${run.n_held_out} kept aside`),
    run.why ? make("p", { class: "bad-words" }, run.why) : null,
    run.new ? comparison(run) : null,
    make("div", { class: "row" }, steps));
}

function comparison(run) {
  const row = (words, estimate, ends) => [make("dt", {}, words), make("dd", {}, interval(estimate, ends)), make("dd", { class: "number" }, inWords(estimate))];
  const far = Math.max(0.05, ...["value", "low", "high"].map((end) => Math.abs(run.difference?.[end] ?? 0))) * 1.1;
  return make("dl", { class: "comparison" },
    row("Old model, strict F1", run.old), row("New model, strict F1", run.new),
    row(`New less old${typeof run.p === "number" ? `, p = ${run.p.toFixed(3)}` : ""}`, run.difference, [-far, far]));
}
