// The parts of the page for judging: text at the left, everything about it at the right.

import { fill, keyCap, make } from "./dom.js";
import { markdown } from "./markdown.js";

// Build the parts under `root` and return them by name; `run(command)` does what a key does.
export function buildFrame(root, { project, task, run, looks, above, aside }) {
  const step = (command, words, key, attributes = {}) => make("button", {
    type: "button", onclick: () => run(command), ...attributes,
  }, words, key ? keyCap(key) : null);
  const parts = {
    title: make("h1", {}, task.note.id),
    progress: make("span", { class: "progress" }),
    state: make("span", { class: "state" }),
    undo: step("undo", "Undo", "Z"), redo: step("redo", "Redo", "Y"),
    done: step("done", "Done, next", "Ctrl ↵", { class: "main" }),
    find: make("input", { type: "search", id: "find", "aria-label": "Find words in the note", placeholder: "find  /", autocomplete: "off", spellcheck: "false" }),
    text: make("div", { class: "text", lang: "und" }),
    mode: make("p", { class: "mode", hidden: true }),
    mention: make("section", { "aria-label": "Selected mention", class: "card mention" }),
    list: make("ul", { role: "listbox", tabindex: "0", "aria-label": "Mentions in the order of the text", class: "mentions" }),
    legend: make("ul", { class: "legend", "aria-label": "Labels" }, project.labels.map((label) => make("li", {},
      make("span", { class: `seg open ${looks(label).style}` }, looks(label).short), " ", label))),
    noteLabels: make("div", { class: "row", role: "group", "aria-label": "Labels of the note" }),
    comment: make("textarea", { rows: "3", "aria-label": "Comment on this note" }),
    guideline: make("details", { class: "card" }, make("summary", {}, "Guideline ", keyCap("I")),
      make("div", { class: "guideline" }, markdown(project.guideline ?? ""))),
    arcs: document.createElementNS("http://www.w3.org/2000/svg", "svg"),
  };
  parts.arcs.setAttribute("class", "arcs");
  parts.arcs.setAttribute("aria-hidden", "true");
  parts.pane = make("div", {
    class: "pane", tabindex: "0", role: "group", "aria-label": "Text of the note", "aria-describedby": "how",
  }, parts.text, parts.arcs);
  parts.toolbar = make("div", { class: "toolbar", role: "group", "aria-label": "Steps" },
    step("previousNote", "‹", null, { "aria-label": "Note before", title: "Note before  ," }),
    step("nextNote", "›", null, { "aria-label": "Next note", title: "Next note  ." }),
    parts.undo, parts.redo, parts.find, parts.progress, parts.state,
    step("help", "Keys", "?", { class: "quiet" }), parts.done);
  fill(root, make("div", { class: "judging" },
    make("header", { class: "note-head" }, make("div", { class: "names" }, parts.title, make("p", { class: "soft" }, factsOf(task.note))), parts.toolbar),
    make("div", { class: "halves" },
      make("div", { class: "reading" }, above, parts.legend, parts.pane, parts.mode,
        make("p", { id: "how", class: "hidden" }, "Arrow down goes to the next mention, Enter accepts it, X rejects it, question mark shows all keys.")),
      make("aside", { class: "side", "aria-label": "Judging" }, aside, parts.mention,
        make("section", { class: "card", "aria-label": "All mentions" }, make("h2", {}, "All mentions"), parts.list),
        make("section", { class: "card", "aria-label": "The note" }, make("h2", {}, "The note"), parts.noteLabels, parts.comment),
        project.guideline ? parts.guideline : null))));
  return parts;
}

function factsOf({ kind, time, patient }) { return [kind, time?.slice(0, 16).replace("T", " "), patient && `patient ${patient}`].filter(Boolean).join(" · "); }
