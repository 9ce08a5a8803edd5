// A guideline in Markdown as elements: headings, lists, paragraphs, **bold**, *italic*, `code`.
// Anything else stands as it was written; no markup passes through.

import { make } from "./dom.js";

const INLINE = /\*\*([^*\n]+)\*\*|\*([^*\n]+)\*|`([^`\n]+)`/g;
const TAGS = ["strong", "em", "code"];

export function markdown(text) {
  const blocks = text.replace(/\r\n?/g, "\n").split(/\n{2,}|\n(?=#{1,4} )|(?<=^#{1,4} [^\n]*)\n/m);
  return blocks.filter((block) => block.trim()).map(blockOf);
}

function blockOf(block) {
  const heading = /^(#{1,4}) +(.*)/.exec(block);
  if (heading) return make(`h${Math.min(heading[1].length + 2, 6)}`, {}, ...inline(heading[2]));
  const lines = block.split("\n");
  const list = [["ul", /^\s*[-*] +/], ["ol", /^\s*\d+[.)] +/]].find(([, mark]) => lines.every((line) => mark.test(line)));
  if (list) return make(list[0], {}, lines.map((line) => make("li", {}, ...inline(line.replace(list[1], "")))));
  return make("p", {}, ...inline(lines.join(" ")));
}

function inline(text) {
  const parts = [];
  let from = 0;
  for (const found of text.matchAll(INLINE)) {
    const k = found.slice(1).findIndex((words) => words !== undefined);
    parts.push(text.slice(from, found.index), make(TAGS[k], {}, found[k + 1]));
    from = found.index + found[0].length;
  }
  return [...parts, text.slice(from)];
}
