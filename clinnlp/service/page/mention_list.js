// All mentions of a note as a list beside it: what a screen reader walks through, and an overview.

import { signsOf } from "./axes.js";
import { make } from "./dom.js";
import { inOrder } from "./task.js";

const SIGNS = { accepted: "✓", rejected: "✕", changed: "✎", added: "+" };
const WORDS = { accepted: "accepted", rejected: "rejected", changed: "changed", added: "added" };
let n = 0;

export class MentionList {
  constructor(root, { onPick, wordsOf, look }) {
    Object.assign(this, { root, wordsOf, look });
    this.rows = new Map();
    this.mentions = new Map();
    root.addEventListener("click", ({ target }) => {
      const row = target.closest("[role=option]");
      if (row) onPick(row.mention);
    });
  }

  update(mentions) {
    for (const [id, row] of this.rows) {
      if (mentions.has(id)) continue;
      row.remove();
      this.rows.delete(id);
    }
    let place = this.root.firstElementChild;
    for (const mention of inOrder(mentions)) {
      let row = this.rows.get(mention.id);
      if (!row) this.rows.set(mention.id, row = this.#made(mention.id));
      if (this.mentions.get(mention.id) !== mention) this.#fill(row, mention);
      if (row === place) place = place.nextElementSibling;
      else this.root.insertBefore(row, place);
    }
    this.mentions = mentions;
  }

  #made(id) {
    const row = make("li", { role: "option", id: `mention-${n++}`, "aria-selected": "false" });
    row.mention = id;
    return row;
  }

  #fill(row, mention) {
    const { short, style } = this.look(mention.label);
    row.className = `${style} ${mention.judged ?? "open"}`;
    row.replaceChildren(
      make("span", { class: "sign", "aria-hidden": "true" }, SIGNS[mention.judged] ?? "○"),
      make("span", { class: "words" }, this.wordsOf(mention)),
      make("span", { class: "tag" }, [short, ...signsOf(mention)].join(" · ")),
    );
    row.setAttribute("aria-label", spoken(mention, this.wordsOf(mention)));
  }

  select(id) {
    this.rows.get(this.selected)?.setAttribute("aria-selected", "false");
    this.selected = id;
    const row = this.rows.get(id);
    if (!row) return this.root.removeAttribute("aria-activedescendant");
    row.setAttribute("aria-selected", "true");
    this.root.setAttribute("aria-activedescendant", row.id);
    const top = row.offsetTop - this.root.offsetTop;
    if (top < this.root.scrollTop || top + row.offsetHeight > this.root.scrollTop + this.root.clientHeight) {
      this.root.scrollTop = top - this.root.clientHeight / 2;
    }
  }
}

// A mention in words: what it is, and what was judged.
export function spoken(mention, words) {
  const axes = Object.entries(mention.axes).filter(([, value]) => value === true).map(([axis]) => axis);
  return [words, mention.label, ...axes, WORDS[mention.judged] ?? "not judged"].join(", ");
}
