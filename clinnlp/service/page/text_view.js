// The text of a note with its mentions, drawn once and patched.
//
// The text stands in the page exactly as in the note. Each line is a block and each line is cut at
// spaces into chunks of some hundred letters; what changes draws only the chunks that it touches. A
// chunk holds bare text and segments: runs of text that lie in the same mentions. Places come in and
// go out as code points; inside, everything counts UTF-16 units.

import { signsOf } from "./axes.js";
import { make } from "./dom.js";

const LINE = /\r\n|[\n\r\u2028\u2029]/g;
const CHUNK = 400; // units
const SIGNS = { accepted: "✓", rejected: "✕", changed: "✎", added: "+" };

export class TextView {
  // `look(label)` gives {style, short} of a label: its class and its short name.
  constructor(root, offsets, look) {
    Object.assign(this, { root, offsets, look });
    this.mentions = new Map();
    this.segments = new Map(); // mention id → Set of elements
    this.chunks = [];
    this.bases = new WeakMap(); // text node → its first unit
    this.selected = null;
    root.replaceChildren();
    this.#cut(offsets.text);
  }

  #cut(text) {
    let start = 0;
    const line = (end) => {
      const isBlank = !text.slice(start, end).trim();
      const block = make("div", { class: isBlank ? "line blank" : "line" });
      for (const [from, to] of pieces(text, start, end)) {
        const element = make("span");
        this.chunks.push({ start: from, end: to, element });
        block.append(element);
      }
      this.root.append(block);
      start = end;
    };
    for (const found of text.matchAll(LINE)) line(found.index + found[0].length);
    if (start < text.length || !text) line(text.length);
    this.starts = this.chunks.map((chunk) => chunk.start);
  }

  // Show these mentions, drawing only what is not as it was.
  update(mentions) {
    const stale = new Set(), touched = [];
    for (const [id, old] of this.mentions) {
      const next = mentions.get(id);
      if (old === next) continue;
      if (next && isSamePlace(old, next)) touched.push(id);
      else this.#chunksOf(old).forEach((chunk) => stale.add(chunk));
    }
    for (const [id, next] of mentions) {
      const old = this.mentions.get(id);
      if (!old || !isSamePlace(old, next)) this.#chunksOf(next).forEach((chunk) => stale.add(chunk));
    }
    const isFirst = !this.chunks[0]?.nodes;
    this.mentions = mentions;
    for (const chunk of isFirst ? this.chunks : stale) this.#draw(chunk);
    for (const id of touched) for (const element of this.segments.get(id) ?? []) this.#dress(element);
  }

  #chunksOf(mention) {
    const found = [];
    for (const [start, end] of partsOf(mention)) {
      const [low, high] = [this.offsets.toUnit(start), this.offsets.toUnit(end)];
      for (let k = this.#chunkAt(low); k < this.chunks.length && this.chunks[k].start < high; k++) {
        found.push(this.chunks[k]);
      }
    }
    return found;
  }

  #chunkAt(unit) { // the last that begins at the place or before
    let low = 0, high = this.starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.starts[middle] <= unit) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #draw(chunk) {
    for (const element of chunk.element.children) this.#forget(element);
    const runs = this.#runs(chunk), text = this.offsets.text;
    chunk.nodes = runs.map(({ start, end, inside }) => {
      const node = document.createTextNode(text.slice(start, end));
      this.bases.set(node, start);
      if (!inside.length) return node;
      const element = make("span", {}, node);
      element.mentions = inside.map(({ id }) => id);
      element.begins = inside.filter((part) => part.first && part.start === start).map(({ id }) => id);
      for (const id of element.mentions) {
        if (!this.segments.has(id)) this.segments.set(id, new Set());
        this.segments.get(id).add(element);
      }
      this.#dress(element);
      return element;
    });
    chunk.element.replaceChildren(...chunk.nodes);
  }

  #forget(element) {
    for (const id of element.mentions) this.segments.get(id)?.delete(element);
  }

  // Runs of text that lie in the same mentions, the shortest mention first.
  #runs(chunk) {
    const parts = [], edges = new Set([chunk.start, chunk.end]);
    for (const mention of this.mentions.values()) {
      partsOf(mention).forEach(([from, to], k) => {
        const start = this.offsets.toUnit(from), end = this.offsets.toUnit(to);
        if (start >= chunk.end || end <= chunk.start) return;
        parts.push({ id: mention.id, start, end, first: k === 0 });
        edges.add(Math.max(start, chunk.start)).add(Math.min(end, chunk.end));
      });
    }
    parts.sort((a, b) => (a.end - a.start) - (b.end - b.start));
    const cuts = [...edges].sort((a, b) => a - b);
    return cuts.slice(1).map((end, k) => ({
      start: cuts[k], end, inside: parts.filter((part) => part.start <= cuts[k] && part.end >= end),
    }));
  }

  // Give a segment the look of its mentions: the innermost gives colour and line.
  #dress(element) {
    const [inner, ...others] = element.mentions.map((id) => this.mentions.get(id));
    const tags = element.begins.map((id) => {
      const mention = this.mentions.get(id);
      return `${[this.look(mention.label).short, ...signsOf(mention)].join("·")}${SIGNS[mention.judged] ?? ""}`;
    });
    const isSelected = element.mentions.includes(this.selected);
    element.className = [
      "seg", this.look(inner.label).style, inner.judged ?? "open", others.length && "over",
      tags.length && "first", isSelected && "selected",
    ].filter(Boolean).join(" ");
    if (tags.length) element.dataset.tag = tags.join(" ");
    else delete element.dataset.tag;
  }

  select(id) {
    const old = this.selected;
    this.selected = id;
    for (const one of [old, id]) for (const element of this.segments.get(one) ?? []) this.#dress(element);
  }

  elementsOf(id) { return [...(this.segments.get(id) ?? [])].sort(inDocument); }

  mentionsAt(node) { return node.closest?.(".seg")?.mentions ?? []; }

  // The range in the page of a span of code points.
  range(start, end) {
    const range = document.createRange();
    range.setStart(...this.#node(this.offsets.toUnit(start), true));
    range.setEnd(...this.#node(this.offsets.toUnit(end), false));
    return range;
  }

  // A place in the page, for the end of a selection.
  place(point) { return this.#node(this.offsets.toUnit(point), true); }

  #node(unit, isStart) { // a start prefers the node that begins there, an end the one that ends there
    const at = isStart ? unit : Math.max(0, unit - 1);
    const chunk = this.chunks[this.#chunkAt(at)];
    for (const one of chunk.nodes) {
      const node = one.nodeType === Node.TEXT_NODE ? one : one.firstChild;
      const base = this.bases.get(node);
      if (at < base + node.length) return [node, Math.max(0, unit - base)];
    }
    const last = chunk.nodes.at(-1);
    if (!last) return [chunk.element, 0];
    const node = last.nodeType === Node.TEXT_NODE ? last : last.firstChild;
    return [node, node.length];
  }

  // The code point at a place in the page, or null outside the text.
  point(node, offset) {
    if (!this.root.contains(node)) return null;
    if (node.nodeType === Node.TEXT_NODE) return this.offsets.toPoint(this.bases.get(node) + offset);
    const walker = document.createTreeWalker(this.root, NodeFilter.SHOW_TEXT);
    const next = node.childNodes[offset];
    if (next) {
      walker.currentNode = next;
      const text = next.nodeType === Node.TEXT_NODE ? next : walker.nextNode();
      if (text) return this.offsets.toPoint(this.bases.get(text));
      return this.offsets.length;
    }
    walker.currentNode = node; // behind the last child: where the next text begins
    let text = walker.nextNode();
    while (text && node.contains(text)) text = walker.nextNode();
    return text ? this.offsets.toPoint(this.bases.get(text)) : this.offsets.length;
  }
}

export function partsOf(mention) { return mention.parts?.length ? mention.parts : [[mention.start, mention.end]]; }

function isSamePlace(a, b) {
  return a.start === b.start && a.end === b.end && String(partsOf(a)) === String(partsOf(b));
}

function inDocument(a, b) { return a.compareDocumentPosition(b) & Node.DOCUMENT_POSITION_FOLLOWING ? -1 : 1; }

// Cut a line behind spaces, so that no letter is parted from its marks.
function* pieces(text, start, end) {
  while (end - start > CHUNK) {
    const space = text.indexOf(" ", start + CHUNK);
    if (space < 0 || space >= end - 1) break;
    yield [start, space + 1];
    start = space + 1;
  }
  yield [start, end];
}
