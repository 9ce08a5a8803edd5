// Curves from the selected mention to those it is tied to.

import { endsOf } from "./task.js";

const SVG = "http://www.w3.org/2000/svg";

export function drawArcs(svg, view, mention, relations) {
  svg.replaceChildren();
  if (!mention || !relations.length) return;
  const pane = svg.parentElement, frame = pane.getBoundingClientRect();
  const middle = (id) => {
    const box = view.elementsOf(id)[0]?.getBoundingClientRect();
    return box && [box.left + box.width / 2 - frame.left + pane.scrollLeft, box.top - frame.top + pane.scrollTop + 2];
  };
  svg.style.height = `${pane.scrollHeight}px`;
  const from = middle(mention.id);
  for (const { label, roles } of relations) {
    for (const id of endsOf({ roles })) {
      const to = id === mention.id ? null : middle(id);
      if (from && to) svg.append(...arc(from, to, label));
    }
  }
}

function arc([x1, y1], [x2, y2], label) {
  const top = Math.max(Math.min(y1, y2) - 22, 8), path = document.createElementNS(SVG, "path");
  path.setAttribute("d", `M ${x1} ${y1} C ${x1} ${top}, ${x2} ${top}, ${x2} ${y2}`);
  const words = document.createElementNS(SVG, "text");
  words.setAttribute("x", (x1 + x2) / 2);
  words.setAttribute("y", Math.max(top + 4, 10));
  words.textContent = label;
  return [path, words];
}
