// The panel of the selected mention: every step of judging as a button, and what stands so far.

import { AXES } from "./axes.js";
import { button, fill, keyCap, make } from "./dom.js";
import { endsOf } from "./task.js";

const STRETCH = [
  ["start", [[-1, "←", "Begin a word earlier", "Q"], [1, "→", "Begin a word later", "W"]]],
  ["end", [[-1, "←", "End a word earlier", "E"], [1, "→", "End a word later", "R"]]],
];
const VALUES = { true: "yes", false: "no" };

export class Details {
  // `run(command)` does what a key does; `look(label)` gives its style.
  constructor(root, { labels, axes, run, look, wordsOf, mentionOf }) {
    Object.assign(this, { root, labels, axes, run, look, wordsOf, mentionOf });
    this.words = make("p", { class: "picked" });
    this.facts = make("p", { class: "soft facts" });
    this.judging = make("div", { class: "row" },
      this.#step("accept", "✓ Right", "Enter", { class: "good" }),
      this.#step("reject", "✕ Wrong", "X", { class: "bad" }),
      this.#step("asSuggested", "Reset", "B"));
    this.labelButtons = labels.map((label, k) => make("button", {
      type: "button", onclick: () => run(`label:${k}`), class: `label ${look(label).style}`, "aria-pressed": "false",
    }, make("span", { class: "tag" }, look(label).short), label, k < 10 ? keyCap(String((k + 1) % 10)) : null));
    this.axisButtons = axes.map((axis) => button("", () => run(`axis:${axis}`), { class: "axis", "aria-pressed": "false" }));
    this.more = make("div", { class: "more" });
    this.body = make("div", {},
      this.words, this.facts, this.judging,
      make("h3", {}, "Label"), make("div", { class: "row" }, this.labelButtons),
      ...(axes.length ? [make("h3", {}, "The note says it is"), make("div", { class: "row" }, this.axisButtons)] : []),
      make("h3", {}, "Where it ends"), this.#stretching(),
      make("h3", {}, "Concepts, attributes, ties"), this.more,
      make("div", { class: "row" }, this.#step("concept", "Concept", "C"), this.#step("attributes", "Attributes", "A"),
        this.#step("relate", "Tie to …", "T")));
    this.none = make("p", { class: "soft" }, "No mention is selected: click one, or press ↓.");
    fill(root, make("h2", {}, "Mention"), this.none, this.body);
  }

  #step(command, words, key, attributes = {}) {
    return make("button", { type: "button", onclick: () => this.run(command), ...attributes }, words, keyCap(key));
  }

  #stretching() {
    return make("div", { class: "row stretch" }, STRETCH.flatMap(([edge, steps]) => [make("span", {}, edge),
      ...steps.map(([step, sign, words, key]) => make("button", {
        type: "button", "aria-label": words, title: words, onclick: () => this.run(`stretch:${edge}:${step}:word`),
      }, make("i", { "aria-hidden": "true" }, sign), keyCap(key)))]));
  }

  show(mention, relations) {
    this.none.hidden = Boolean(mention);
    this.body.hidden = !mention;
    if (!mention) return;
    this.words.textContent = this.wordsOf(mention);
    this.words.className = `picked ${this.look(mention.label).style}`;
    this.facts.textContent = factsOf(mention);
    this.labelButtons.forEach((element, k) => element.setAttribute("aria-pressed", String(this.labels[k] === mention.label)));
    this.axes.forEach((axis, k) => this.#axis(this.axisButtons[k], axis, mention.axes[axis]));
    fill(this.more,
      mention.cue ? make("p", { class: "cue-words" }, "Cue: ", make("q", {}, this.wordsOf({ start: mention.cue[0], end: mention.cue[1] }))) : null,
      mention.concepts.map((concept) => this.#line(`${concept.name ?? ""} ${concept.id}`.trim(), concept.vocabulary, `dropConcept:${concept.id}`)),
      Object.entries(mention.attributes).map(([name, value]) => this.#line(`${name}: ${value}`, null, null)),
      relations.map((relation) => this.#relation(mention, relation)));
  }

  #axis(element, axis, value) {
    const [key, word] = AXES[axis] ?? ["", axis];
    element.setAttribute("aria-pressed", String(value === true));
    fill(element, word, make("small", {}, VALUES[value] ?? "–"), key ? keyCap(key.toUpperCase()) : null);
  }

  #relation(mention, { id, label, roles, score, source }) {
    const others = endsOf({ roles }).filter((end) => end !== mention.id).map((end) => this.mentionOf(end));
    const words = `${label} → ${others.map((other) => this.wordsOf(other)).join(", ")}`;
    return this.#line(words, [source, scoreOf(score)].filter(Boolean).join(" · ") || null, `unrelate:${id}`);
  }

  #line(words, more, command) {
    return make("p", { class: "line-of" }, make("span", {}, words), more ? make("small", {}, more) : null,
      command ? button("×", () => this.run(command), { class: "quiet", "aria-label": `Remove ${words}` }) : null);
  }
}

function factsOf({ label, score, source, judged }) {
  const state = { accepted: "accepted", rejected: "rejected", changed: "changed", added: "added by hand" }[judged] ?? "not judged";
  return [label, state, source ?? null, scoreOf(score)].filter(Boolean).join(" · ");
}

function scoreOf(score) { return typeof score === "number" ? `score ${score.toFixed(2)}` : null; }
