// Judging one note: keys and buttons become actions, actions become what is seen and what is sent.
//
// One way: command → actions → `apply` → a new task → only what differs is drawn → the saver sends.

import { announce } from "./announce.js";
import { drawArcs } from "./arcs.js";
import { Caret } from "./caret.js";
import { Details } from "./details.js";
import { choose, help, pairs } from "./dialogs.js";
import { fill, make } from "./dom.js";
import { buildFrame } from "./frame.js";
import { commandOf } from "./keys.js";
import { looksOf } from "./labels.js";
import { MentionList, spoken } from "./mention_list.js";
import { Offsets } from "./offsets.js";
import { Saver } from "./saver.js";
import { SelectionBar } from "./selection_bar.js";
import { apply, inOrder, reopening, taskOf, tiesOf, undoing } from "./task.js";
import { TextView } from "./text_view.js";

const STATES = {
  saved: "✓ saved", saving: "… saving", refused: "! not taken", login: "! log in again",
  offline: "! not reachable, will be sent",
};
const unsaved = new Set(); // savers that have not sent everything

addEventListener("beforeunload", (event) => {
  if ([...unsaved].some((saver) => !saver.isClean)) event.preventDefault();
});

export class Editor {
  // `server` has load(), send(id, body), search(words), next(step) and login(), see judge.js; `above` and
  // `aside` are elements shown above the text and at the top of the side.
  constructor(root, { project, data, server, above = null, aside = null }) {
    Object.assign(this, { root, project, server, above, aside });
    this.looks = looksOf(project.labels);
    this.past = [];
    this.undone = [];
    this.lastLabel = project.labels[0];
    this.onKey = (event) => this.#key(event);
    this.onActive = () => this.saver.active();
    document.body.classList.add("is-judging");
    document.addEventListener("keydown", this.onKey);
    document.addEventListener("pointermove", this.onActive, { passive: true });
    this.#open(taskOf(data));
  }

  leave() {
    document.body.classList.remove("is-judging");
    CSS.highlights?.clear();
    document.removeEventListener("keydown", this.onKey);
    document.removeEventListener("pointermove", this.onActive);
    document.removeEventListener("selectionchange", this.onSelection);
    this.saver.flush();
  }

  #open(task) {
    this.task = task;
    this.offsets = new Offsets(task.note.text);
    this.wordsOf = ({ start, end, parts }) => (parts?.length ? parts : [[start, end]])
      .map(([from, to]) => this.offsets.slice(from, to)).join(" … ").replace(/\s+/g, " ");
    const run = (command) => this.run(command);
    const parts = this.parts = buildFrame(this.root, {
      project: this.project, task, run, looks: this.looks, above: this.above, aside: this.aside,
    });
    this.view = new TextView(parts.text, this.offsets, this.looks);
    this.caret = new Caret(this.view, parts.pane);
    this.details = new Details(parts.mention, {
      labels: this.project.labels, axes: this.project.axes ?? [], run, look: this.looks, wordsOf: this.wordsOf,
      mentionOf: (id) => this.task.mentions.get(id),
    });
    this.list = new MentionList(parts.list, { onPick: (id) => this.select(id), wordsOf: this.wordsOf, look: this.looks });
    this.bar = new SelectionBar(parts.pane, {
      labels: this.project.labels, look: this.looks,
      onAdd: (k) => this.run(`label:${k}`), onMove: () => this.run("moveHere"),
    });
    this.saver = new Saver({
      task, send: this.server.send, onState: (word, said) => this.#saved(word, said),
      onTask: (newer) => { this.#become(newer); announce("Another change of this note came first; yours was put on top."); },
    });
    unsaved.add(this.saver);
    this.#wire();
    this.#become(task);
    this.select((inOrder(task.mentions).find(({ judged }) => judged === null) ?? inOrder(task.mentions)[0])?.id ?? null);
    parts.pane.focus({ preventScroll: true });
  }

  #wire() {
    const { pane, text, find, comment, list } = this.parts;
    text.addEventListener("click", ({ target }) => this.#clicked(target));
    this.root.addEventListener("pointerdown", (event) => { // a click on a button leaves the keys to the text
      if (event.target.closest("button")) event.preventDefault();
    });
    this.onSelection = () => this.#selectedInPage();
    document.addEventListener("selectionchange", this.onSelection);
    find.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.#find(find.value);
      if (event.key === "Escape" || event.key === "Enter") pane.focus({ preventScroll: true });
      event.stopPropagation();
    });
    comment.addEventListener("change", () => this.commit([{ do: "comment", text: comment.value }]));
    comment.addEventListener("keydown", (event) => {
      if (event.key === "Escape") pane.focus({ preventScroll: true });
    });
    list.addEventListener("focus", () => this.caret.hide());
  }

  // ---- keys and commands

  #key(event) {
    if (event.defaultPrevented || event.isComposing || document.querySelector("dialog[open]")) return;
    if (event.target.closest?.("input, textarea, select")) return;
    const isButton = event.target.closest?.("button, summary, a");
    if (isButton && (event.key === "Enter" || event.key === " ") && !event.ctrlKey) return;
    const found = commandOf(event);
    if (!found) return;
    event.preventDefault();
    this.saver.active();
    this.run(...found);
  }

  run(command, isExtending = false) {
    const [name, ...words] = command.split(":");
    return COMMANDS[name].call(this, ...words, isExtending);
  }

  get mention() { return this.task.mentions.get(this.selected) ?? null; }

  // Apply actions, draw what they change, send them, and remember the way back.
  commit(actions) {
    const back = [], taken = [];
    let task = this.task;
    for (const action of reopening(task, actions)) {
      const next = apply(task, action);
      if (!next) continue;
      back.unshift(...undoing(task, action));
      taken.push(action);
      task = next;
    }
    if (!taken.length) return;
    this.past.push({ taken, back, selected: this.selected });
    this.undone = [];
    this.#become(task);
    this.saver.push(taken);
  }

  again(from, to, which) { // undo and redo
    const step = from.pop();
    if (!step) return announce(`Nothing to ${which}.`);
    const taken = [];
    let task = this.task;
    for (const action of which === "undo" ? step.back : step.taken) {
      const next = apply(task, action);
      if (next) taken.push(action);
      task = next ?? task;
    }
    this.#become(task);
    this.saver.push(taken);
    to.push(step);
    if (this.task.mentions.has(step.selected)) this.select(step.selected, `${which === "undo" ? "Undone" : "Done again"}. `);
    else announce(which === "undo" ? "Undone." : "Done again.");
  }

  // ---- what is seen

  #become(task) {
    const old = this.task;
    this.task = task;
    this.view.update(task.mentions);
    this.list.update(task.mentions);
    if (old === task || old.note_labels !== task.note_labels) this.#showNoteLabels();
    if (this.parts.comment.value !== task.comment && document.activeElement !== this.parts.comment) {
      this.parts.comment.value = task.comment;
    }
    if (this.selected && !task.mentions.has(this.selected)) this.select(null);
    else this.#showSelected();
    const all = [...task.mentions.values()], n = all.filter(({ judged }) => judged !== null).length;
    this.parts.progress.textContent = `${n} of ${all.length} judged${task.is_done ? " · done" : ""}`;
    this.parts.undo.disabled = !this.past.length;
    this.parts.redo.disabled = !this.undone.length;
  }

  select(id, before = "") {
    this.selected = id;
    this.place = null;
    this.caret.hide();
    this.bar.hide();
    this.view.select(id);
    this.list.select(id);
    this.view.elementsOf(id)[0]?.scrollIntoView({ block: "nearest" });
    this.#showSelected();
    this.parts.mode.hidden = true;
    if (this.mention) announce(before + spoken(this.mention, this.wordsOf(this.mention)));
  }

  #showSelected() {
    const mention = this.mention;
    const ties = mention ? tiesOf(this.task, mention.id) : [];
    this.details.show(mention, ties);
    this.#showCue(mention);
    drawArcs(this.parts.arcs, this.view, mention, ties);
  }

  #showCue(mention) {
    if (!globalThis.Highlight) return;
    if (mention?.cue) CSS.highlights.set("cue", new Highlight(this.view.range(...mention.cue)));
    else CSS.highlights.delete("cue");
  }

  #showNoteLabels() {
    const labels = this.project.note_labels ?? [];
    fill(this.parts.noteLabels, labels.map((label) => make("button", {
      type: "button", "aria-pressed": String(this.task.note_labels.includes(label)), onclick: () => this.run(`noteLabel:${label}`),
    }, label)));
  }

  #saved(word, said) {
    this.parts.state.textContent = STATES[word];
    this.parts.state.className = `state ${word}`;
    if (word === this.lastState) return;
    if (word === "offline") announce("The server cannot be reached. What you do is kept and sent later.");
    if (word === "saved" && this.lastState === "offline") announce("Sent.");
    this.lastState = word;
    if (word === "login") this.server.login().then(() => this.saver.flush());
    if (word === "refused") this.#reload(said);
  }

  async #reload(said) {
    announce(`${said ?? "The server did not take it."} The note is shown as the server has it.`);
    const data = await this.server.load().catch(() => null);
    if (!data) return; // the task is no longer his, or the server is gone: what was said stands
    document.removeEventListener("selectionchange", this.onSelection);
    unsaved.delete(this.saver);
    this.past = [];
    this.undone = [];
    this.#open(taskOf(data));
    this.lastState = null;
    this.parts.state.textContent = said ?? STATES.refused;
    this.parts.state.className = "state refused";
  }

  // ---- mouse and selection

  #clicked(target) {
    if (!getSelection().isCollapsed) return;
    const inside = this.view.mentionsAt(target);
    if (!inside.length) return this.#remember();
    this.select(inside[(inside.indexOf(this.selected) + 1) % inside.length]);
  }

  #remember() { // where the arrows begin
    const { anchorNode, anchorOffset } = getSelection();
    if (anchorNode) this.place = this.view.point(anchorNode, anchorOffset);
  }

  #selectedInPage() {
    const selection = getSelection();
    if (selection.isCollapsed) {
      if (!this.caret.span) this.bar.hide();
      return;
    }
    const anchor = this.view.point(selection.anchorNode, selection.anchorOffset);
    const head = this.view.point(selection.focusNode, selection.focusOffset);
    if (anchor === null || head === null) return;
    Object.assign(this.caret, { anchor, head });
    this.#showMode();
    this.bar.show(selection.getRangeAt(0), this.mention !== null);
  }

  #showMode() {
    this.parts.mode.hidden = !this.caret.isShown;
    this.parts.mode.textContent = this.caret.span
      ? `Enter adds it as ${this.lastLabel}, a digit under another label, Esc leaves it.`
      : "In the text: arrows move, Ctrl by words, Shift selects, a digit adds the word here, Esc leaves.";
  }

  moveCaret(by, step, isExtending) {
    if (!this.caret.isShown) {
      const { start, end } = this.mention ?? { start: 0, end: 0 };
      this.caret.put(this.place ?? (step < 0 ? start : end));
    }
    this.caret.move(by, step, isExtending);
    const span = this.caret.span;
    if (!span) this.bar.hide();
    this.#showMode();
    const { offsets } = this;
    announce(span ? `selected ${offsets.slice(...span)}` : offsets.slice(this.caret.head, offsets.word(this.caret.head, 1, "end")));
  }

  #find(words) {
    const found = this.offsets.find(words, this.caret.head ?? this.mention?.end ?? 0);
    if (!found) return announce("Not in this note.");
    this.caret.put(found[1], found[0]);
    this.#showMode();
    announce(`selected ${this.offsets.slice(...found)}`);
  }

  // The selected words, or the word at the place in the text; null where there is none.
  get chosen() {
    const { caret, offsets } = this;
    if (!caret.isShown) return null;
    const next = offsets.word(caret.head, 1, "end");
    return offsets.trimmed(...(caret.span ?? [offsets.word(next, -1, "start"), next]));
  }

  add(label) {
    const span = this.chosen;
    if (!span) return announce("Select words first.");
    const id = freshId();
    this.lastLabel = label;
    this.commit([{ do: "add", id, start: span[0], end: span[1], label }]);
    this.select(id, "Added: ");
    this.place = span[1];
  }

  change(fields) { if (this.mention) this.commit([{ do: "change", mention: this.selected, ...fields }]); }

  // The mention `step` away in text order; with `isOpen` the next that is not judged.
  go(step, isOpen = false) {
    const order = inOrder(this.task.mentions), n = order.length;
    const at = order.findIndex(({ id }) => id === this.selected), from = at < 0 && step < 0 ? 0 : at;
    for (let k = 1; k <= n; k++) {
      const one = order[(((from + step * k) % n) + n) % n];
      if (isOpen ? one.judged === null : true) return this.select(one.id);
    }
    this.#showSelected();
    announce("All mentions are judged. Control Enter goes on to the next note.");
    return null;
  }
}

function freshId() {
  return `h${[...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

// What each command does; `this` is the editor. The words behind ":" come first, Shift last.
const COMMANDS = {
  accept() {
    if (this.caret.span) return this.add(this.lastLabel);
    if (this.caret.isShown) return announce("Nothing is selected. Shift with arrows selects, Escape leaves the text.");
    if (!this.mention) return this.go(1, true);
    if (this.mention.judged === null || this.mention.judged === "rejected") this.commit([{ do: "accept", mention: this.selected }]);
    return this.go(1, true);
  },
  acceptRest() {
    const open = inOrder(this.task.mentions).filter(({ judged }) => judged === null);
    this.commit(open.map(({ id }) => ({ do: "accept", mention: id })));
    announce(`${open.length} accepted.`);
  },
  reject() {
    if (!this.mention) return;
    const { id, judged } = this.mention;
    if (judged === "added") this.go(1);
    if (judged !== "rejected") this.commit([{ do: "reject", mention: id }]);
    if (judged !== "added") this.go(1, true);
  },
  asSuggested() { if (this.mention && this.mention.judged !== null) this.commit([{ do: "undo_judgement", mention: this.selected }]); },
  label(k) {
    const label = this.project.labels[Number(k)];
    if (!label) return;
    if (this.caret.isShown) return this.add(label);
    if (this.mention && this.mention.label !== label) this.change({ label });
    announce(label);
  },
  async chooseLabel() {
    const isAdding = this.caret.span, options = this.project.labels.map((label, k) => ({ value: k, words: label, more: k < 10 ? String((k + 1) % 10) : null }));
    const k = await choose(isAdding ? "Add as" : "Label", { options });
    if (k === null) return;
    if (isAdding) this.caret.put(isAdding[1], isAdding[0]);
    this.run(`label:${k}`);
  },
  axis(axis) {
    if (!this.mention || !this.project.axes.includes(axis)) return;
    const value = this.mention.axes[axis] !== true;
    this.change({ axes: { [axis]: value } });
    announce(`${axis}: ${value ? "yes" : "no"}`);
  },
  stretch(edge, step, by) {
    if (!this.mention) return;
    const { start, end } = this.mention, old = { start, end };
    const point = by === "word" ? this.offsets.word(old[edge], Number(step), edge) : this.offsets.letter(old[edge], Number(step));
    const next = { ...old, [edge]: point };
    if (next.start >= next.end || point === old[edge]) return announce("It cannot be shorter or longer.");
    this.change(next);
    announce(this.wordsOf(next));
  },
  moveHere() {
    const span = this.chosen;
    if (!this.mention || !span) return;
    this.change({ start: span[0], end: span[1] });
    this.select(this.selected);
  },
  next(isExtending) { this.caret.isShown ? this.moveCaret("line", 1, isExtending) : this.go(1); },
  previous(isExtending) { this.caret.isShown ? this.moveCaret("line", -1, isExtending) : this.go(-1); },
  nextOpen() { this.go(1, true); },
  caret(by, step, isExtending) {
    if (!this.caret.isShown && (by === "edge")) return;
    this.moveCaret(by, Number(step), isExtending);
  },
  leave() {
    if (this.caret.isShown) this.place = this.caret.head;
    this.caret.hide();
    this.bar.hide();
    this.parts.mode.hidden = true;
  },
  find() { this.parts.find.focus(); this.parts.find.select(); },
  undo() { this.again(this.past, this.undone, "undo"); this.parts.undo.disabled = !this.past.length; this.parts.redo.disabled = !this.undone.length; },
  redo() { this.again(this.undone, this.past, "redo"); this.parts.undo.disabled = !this.past.length; this.parts.redo.disabled = !this.undone.length; },
  async concept() {
    if (!this.mention) return;
    const { id, concepts } = this.mention;
    const concept = await choose("Concept", {
      words: this.wordsOf(this.mention), hint: "Words or a code.",
      search: async (words) => (await this.server.search(words)).map((found) => ({ value: found, words: found.name, more: `${found.vocabulary} ${found.id}` })),
    });
    if (concept && !concepts.some((known) => known.id === concept.id)) {
      this.commit([{ do: "change", mention: id, concepts: [...concepts, concept] }]);
      announce(`Concept ${concept.name}`);
    }
  },
  dropConcept(...words) {
    const id = words.slice(0, -1).join(":");
    this.change({ concepts: this.mention.concepts.filter((concept) => concept.id !== id) });
  },
  async attributes() {
    if (!this.mention) return;
    const { id, attributes } = this.mention, typed = await pairs("Attributes", attributes);
    if (!typed) return;
    const gone = Object.keys(attributes).filter((name) => !(name in typed)).map((name) => [name, null]);
    this.commit([{ do: "change", mention: id, attributes: { ...Object.fromEntries(gone), ...typed } }]);
  },
  async relate() {
    const { mention, project: { relation_labels: labels = [], relation_roles: roles = {} } } = this;
    if (!mention || !labels.length) return announce("This project has no ties between mentions.");
    const label = labels.length === 1 ? labels[0] : await choose("Tie", { options: labels.map((words) => ({ value: words, words })) });
    if (label === null) return;
    const near = inOrder(this.task.mentions).filter(({ id }) => id !== mention.id)
      .sort((a, b) => Math.abs(a.start - mention.start) - Math.abs(b.start - mention.start));
    const other = await choose(`${label}: ${this.wordsOf(mention)} →`, {
      options: near.map((one) => ({ value: one.id, words: this.wordsOf(one), more: one.label })),
    });
    if (other === null) return;
    const [first, second] = roles[label] ?? ["arg1", "arg2"];
    this.commit([{ do: "relate", id: freshId(), label, roles: { [first]: [mention.id], [second]: [other] } }]);
    announce(`${label} drawn.`);
  },
  unrelate(...words) { this.commit([{ do: "unrelate", relation: words.slice(0, -1).join(":") }]); },
  noteLabel(...words) {
    const label = words.slice(0, -1).join(":"), known = this.task.note_labels;
    this.commit([{ do: "note_labels", labels: known.includes(label) ? known.filter((one) => one !== label) : [...known, label] }]);
  },
  noteLabels() { this.parts.noteLabels.querySelector("button")?.focus(); },
  comment() { this.parts.comment.focus(); },
  guideline() {
    const { guideline } = this.parts;
    guideline.open = !guideline.open;
    if (guideline.open) guideline.scrollIntoView({ block: "nearest" });
  },
  help() { help(); },
  async done() {
    const open = inOrder(this.task.mentions).filter(({ judged }) => judged === null);
    if (open.length) {
      this.parts.progress.textContent = `${open.length} of ${this.task.mentions.size} not judged yet`;
      return this.select(open[0].id, `${open.length} mentions are not judged yet. Shift Enter accepts all that is left. `);
    }
    if (!this.task.is_done) this.commit([{ do: "done" }]);
    if (await this.saver.flush()) this.server.next(1);
  },
  async nextNote() { if (await this.saver.flush()) this.server.next(1, true); },
  async previousNote() { if (await this.saver.flush()) this.server.next(-1, true); },
};
