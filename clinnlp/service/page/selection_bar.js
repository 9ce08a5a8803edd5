// A bar beside selected text: add it under a label, or move the selected mention there.

import { keyCap, make } from "./dom.js";

export class SelectionBar {
  constructor(pane, { labels, look, onAdd, onMove }) {
    Object.assign(this, { pane, onMove });
    this.move = make("button", { type: "button", onclick: onMove, class: "quiet" }, "Move mention here");
    this.element = make("div", { class: "selection-bar", role: "group", "aria-label": "Selected text", hidden: true },
      labels.map((label, k) => make("button", {
        type: "button", class: `label ${look(label).style}`, onclick: () => onAdd(k),
      }, make("span", { class: "tag" }, look(label).short), label, k < 10 ? keyCap(String((k + 1) % 10)) : null)), this.move);
    this.element.addEventListener("pointerdown", (event) => event.preventDefault()); // the selection stays
    pane.append(this.element);
  }

  // Show it under a range of the page.
  show(range, canMove) {
    const boxes = range.getClientRects(), box = boxes[boxes.length - 1];
    if (!box) return this.hide();
    this.move.hidden = !canMove;
    this.element.hidden = false;
    const pane = this.pane.getBoundingClientRect(), { clientWidth, scrollTop } = this.pane;
    const left = Math.min(box.left - pane.left, clientWidth - this.element.offsetWidth - 8);
    Object.assign(this.element.style, {
      left: `${Math.max(8, left)}px`, top: `${box.bottom - pane.top + scrollTop + 6}px`,
    });
  }

  hide() { this.element.hidden = true; }
}

