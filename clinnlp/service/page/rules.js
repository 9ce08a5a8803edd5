// The rules that were mined from the notes, judged one by one beside the sentences they rest on.

import { announce } from "./announce.js";
import { get, part, post, Refused } from "./api.js";
import { button, fill, make } from "./dom.js";
import { Offsets } from "./offsets.js";
import { projectOf, tabs } from "./project_parts.js";

const NAMES = { n_antecedent: "n A", n_consequent: "n B", n_both: "n both", q_bh: "q", p_fisher: "p (Fisher)" };

export async function show(root, app, id) {
  const project = projectOf(app, id), path = `projects/${part(id)}/rules`;
  app.trail([project.name, `/p/${id}`], ["Rules", ""]);
  const facts = make("p", { class: "soft" }), list = make("div", { class: "scroll rules-table", tabindex: "0", role: "group", "aria-label": "Rules" });
  const chosen = make("section", { class: "card", "aria-label": "Rule", tabindex: "0", hidden: true });
  let found = null;
  const refresh = async () => {
    found = await get(path);
    facts.textContent = `${found.n_rules} rules over ${found.unit}s, of ${found.m} tested; q at most ${found.alpha}. ${found.n_suppressed} left out as artefacts.`;
    fill(list, found.rows.length ? tableOf(found, open) : make("p", { class: "lone soft" }, "No rule was found."));
  };
  const open = async (rule) => {
    for (const row of list.querySelectorAll("tbody tr")) row.setAttribute("aria-selected", String(row.rule === rule));
    const row = found.rows.find((one) => one.rule === rule);
    const sentences = app.me.may_see_text ? (await get(`${path}/${part(rule)}`)).sentences : null;
    chosen.hidden = false;
    fill(chosen, ruleOf(row, found.verdicts, sentences, {
      keep: async (verdict) => {
        await post(`${path}/${part(rule)}/verdict`, { ...verdict, version: row.version });
        await refresh();
        if (found.rows.some((one) => one.rule === rule)) await open(rule);
        else chosen.hidden = true;
        announce("Verdict kept.");
      },
      wrong: async (mention) => {
        const change = await post(`${path}/${part(rule)}/wrong`, mention);
        await refresh();
        if (change.after) await open(rule);
        chosen.prepend(differenceOf(change));
      },
    }));
    chosen.scrollIntoView({ block: "nearest" });
  };
  await refresh();
  fill(root, make("h1", {}, project.name), tabs(app, project, "/rules"), facts, make("div", { class: "rules-halves" }, list, chosen));
}

function shortOf(value) {
  if (typeof value !== "number") return value ?? "–";
  if (Number.isInteger(value)) return String(value);
  return Math.abs(value) >= 0.001 ? String(Number(value.toPrecision(3))) : value.toExponential(1);
}

function tableOf({ columns, rows }, open) {
  const head = [...columns, "verdict"].map((name) => make("th", { scope: "col", class: columns.indexOf(name) > 1 ? "number" : null }, NAMES[name] ?? name));
  return make("table", {}, make("thead", {}, make("tr", {}, head)), make("tbody", {}, rows.map((one) => {
    const [first, ...others] = one.values;
    const row = make("tr", { "aria-selected": "false" },
      make("td", {}, button(first, () => open(one.rule), { class: "quiet words" })),
      others.map((value) => make("td", { class: typeof value === "number" ? "number" : null }, shortOf(value))),
      make("td", {}, one.verdict ?? ""));
    row.rule = one.rule;
    return row;
  })));
}

function ruleOf(row, verdicts, sentences, { keep, wrong }) {
  const said = make("p", { role: "alert", class: "bad-words" });
  const guarded = (work) => async (...given) => {
    said.textContent = "";
    try {
      await work(...given);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      said.textContent = error.status === 409 ? "Another verdict has come first; open the rule again." : error.message;
    }
  };
  const verdict = make("select", { id: "verdict" }, ["", ...verdicts].map((word) => make("option", { value: word }, word || "no verdict yet")));
  verdict.value = row.verdict ?? "";
  const item = make("select", { id: "verdict-item" }, make("option", { value: "" }, "this rule alone"),
    [...row.antecedents, ...row.consequents].map((name) => make("option", { value: name }, `every rule with ${name}`)));
  item.value = row.item ?? "";
  const itemRow = make("div", { class: "field" }, make("label", { for: "verdict-item" }, "Leaves out"), item);
  const showItem = () => { itemRow.hidden = verdict.value !== "artefact"; };
  verdict.addEventListener("change", showItem);
  showItem();
  const comment = make("textarea", { id: "verdict-comment", rows: "2" });
  comment.value = row.comment;
  const kept = guarded(() => keep({
    verdict: verdict.value, comment: comment.value, ...(verdict.value === "artefact" && item.value ? { item: item.value } : {}),
  }));
  return [
    make("h2", {}, `${row.values[0]} → ${row.values[1]}`),
    make("form", { class: "verdict", onsubmit: (event) => { event.preventDefault(); kept(); } },
      make("div", { class: "field" }, make("label", { for: "verdict" }, "Verdict"), verdict), itemRow,
      make("div", { class: "field" }, make("label", { for: "verdict-comment" }, "Comment"), comment),
      make("div", { class: "row" }, make("button", { type: "submit", class: "main" }, "Keep"), said)),
    make("h3", {}, "Sentences"),
    sentences === null ? make("p", { class: "soft" }, "You may not see text.")
      : make("ul", { class: "sentences" }, sentences.map((one) => sentenceOf(one, guarded(wrong)))),
  ];
}

function sentenceOf({ note, text, offset, start, end, label, item }, wrong) {
  const offsets = new Offsets(text), alike = make("input", { type: "checkbox" });
  const send = () => wrong({ note, start: offset + start, end: offset + end, label, ...(alike.checked ? { alike: true } : {}) });
  return make("li", {},
    make("p", {}, offsets.slice(0, start), make("mark", {}, offsets.slice(start, end)), offsets.slice(end, offsets.length)),
    make("div", { class: "row" }, make("small", {}, `${note} · ${label} · ${item}`),
      button("This mention is wrong", send, { class: "bad" }), make("label", {}, alike, " and all with these words")));
}

// What a rule was before a mention went, and is after.
function differenceOf({ before, after, n_rules_before: n, n_rules_after: m }) {
  const names = after ? Object.keys(before).filter((name) => before[name] !== after[name]) : [];
  return make("div", { role: "status", class: "difference" },
    make("strong", {}, after ? "The rule was counted anew." : "The rule is gone."),
    names.map((name) => make("span", {}, `${NAMES[name] ?? name}: ${shortOf(before[name])} → ${shortOf(after[name])}`)),
    make("span", {}, `rules: ${n} → ${m}`));
}
