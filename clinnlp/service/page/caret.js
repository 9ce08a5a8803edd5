// A place and a selection in the text of a note, moved by keys.
//
// The selection is the page's own, so that it looks and is read as any other; the place is a thin
// line of ours, since a text that cannot be typed into shows none.

import { make } from "./dom.js";

export class Caret {
  constructor(view, pane) {
    Object.assign(this, { view, pane });
    this.anchor = this.head = null; // code points; null while not in the text
    this.line = make("div", { class: "caret", hidden: true, "aria-hidden": "true" });
    pane.append(this.line);
  }

  get isShown() { return this.head !== null; }

  // The selected code points in text order, or null where nothing is selected.
  get span() {
    return this.head === null || this.anchor === this.head ? null
      : [Math.min(this.anchor, this.head), Math.max(this.anchor, this.head)];
  }

  put(head, anchor = head) {
    Object.assign(this, { head, anchor });
    this.#draw();
  }

  hide() {
    if (!this.isShown) return;
    this.anchor = this.head = null;
    this.line.hidden = true;
    getSelection().removeAllRanges();
  }

  // Move by a "letter", "word", "line", "edge" (of the line) or "all" (of the note).
  move(by, step, isExtending) {
    const { offsets } = this.view, span = this.span;
    const steps = {
      letter: () => (span && !isExtending ? span[step < 0 ? 0 : 1] : offsets.letter(this.head, step)),
      word: () => offsets.word(this.head, step, step > 0 && isExtending ? "end" : "start"),
      line: () => this.#lineAway(step),
      edge: () => this.#lineEdge(step),
      all: () => (step < 0 ? 0 : offsets.length),
    };
    const head = steps[by]();
    this.put(head, isExtending ? this.anchor : head);
  }

  #lineAway(step) {
    const box = this.#box();
    const height = parseFloat(getComputedStyle(this.view.root).lineHeight);
    for (const far of [1, 1.6, 2.2]) { // wide gaps between lines
      const point = this.#pointAt(box.left, box.top + box.height / 2 + step * far * height);
      if (point !== null && (step < 0 ? point < this.head : point > this.head)) return point;
    }
    return this.head;
  }

  #lineEdge(step) {
    const { text } = this.view.offsets, unit = this.view.offsets.toUnit(this.head);
    if (step < 0) return unit && this.view.offsets.toPoint(text.lastIndexOf("\n", unit - 1) + 1);
    const end = text.indexOf("\n", unit);
    const stop = end < 0 ? text.length : end - (text[end - 1] === "\r" && end > unit ? 1 : 0);
    return this.view.offsets.toPoint(stop);
  }

  #pointAt(x, y) {
    const place = document.caretPositionFromPoint?.(x, y);
    if (place) return this.view.point(place.offsetNode, place.offset);
    const range = document.caretRangeFromPoint?.(x, y);
    return range ? this.view.point(range.startContainer, range.startOffset) : null;
  }

  #box() {
    const range = document.createRange();
    range.setStart(...this.view.place(this.head));
    const [box] = range.getClientRects();
    if (box) return box;
    const around = range.startContainer.parentElement.getBoundingClientRect();
    return { left: around.left, top: around.top, height: Math.min(around.height, 20) };
  }

  #draw() {
    const range = [this.view.place(this.anchor), this.view.place(this.head)].flat();
    getSelection().setBaseAndExtent(...range);
    this.line.hidden = false;
    const box = this.#box(), pane = this.pane.getBoundingClientRect();
    Object.assign(this.line.style, {
      left: `${box.left - pane.left + this.pane.scrollLeft - this.pane.clientLeft}px`,
      top: `${box.top - pane.top + this.pane.scrollTop - this.pane.clientTop}px`,
      height: `${box.height}px`,
    });
    this.line.scrollIntoView({ block: "nearest" });
  }
}
