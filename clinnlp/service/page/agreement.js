// How far people agree with each other and with themselves, how long they take, what they let pass.

import { get, part } from "./api.js";
import { fill, make } from "./dom.js";
import { cell, interval, table } from "./estimates.js";
import { projectOf, tabs } from "./project_parts.js";

export async function show(root, app, id) {
  const project = projectOf(app, id);
  app.trail([project.name, `/p/${id}`], ["Agreement", ""]);
  const { between, within, seconds, wrong } = await get(`projects/${part(id)}/agreement`);
  const names = ({ first, second }) => (first === second ? `${first}, a second time` : `${first} and ${second}`);
  const pairs = [...between, ...within];
  fill(root, make("h1", {}, project.name), tabs(app, project, "/agreement"),
    make("p", { class: "soft" }, "Intervals resample notes. Kappa is over tokens; that of an axis over the mentions that both have."),
    table("Agreement", ["Who", "#Notes", "#Strict F1", "", "#Relaxed F1", "#Kappa"], pairs.map((pair) => [
      names(pair), pair.n_notes, cell(pair.strict), interval(pair.strict), cell(pair.relaxed), cell(pair.kappa)])),
    table("By label", ["Label", "Who", "#Strict F1", "", "#Relaxed F1", "#Kappa"], pairs.flatMap((pair) => pair.labels.map((one) => [
      one.label, names(pair), cell(one.strict), interval(one.strict), cell(one.relaxed), cell(one.kappa)]))),
    table("By axis", ["Axis", "Who", "#Mentions", "#Kappa", ""], pairs.flatMap((pair) => pair.axes.map((one) => [
      one.axis, names(pair), one.n, cell(one.kappa), interval(one.kappa, [-1, 1])]))),
    table("Seconds", ["Who", "Suggestions", "#Notes", "#Mentions", "#A note", "#A mention"], seconds.map((one) => [
      one.person, one.suggestions ? "with" : "without", one.n_notes, one.n_mentions, cell(one.per_note, 1), cell(one.per_mention, 1)])),
    table("Suggestions that were wrong on purpose", ["Who", "#Shown", "#Accepted", "#Share", ""], wrong.map((one) => [
      one.person, one.n_shown, one.n_accepted, cell(one.share), interval(one.share)])));
}
