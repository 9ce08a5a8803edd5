// Questions in a box over the page: choose one of many, fill a few fields, read the keys.

import { button, fill, keyCap, make } from "./dom.js";
import { KEYS, keyWords } from "./keys.js";

const WAIT_MS = 150;

// Show a box until it is closed; resolves with what `close(value)` was given, or null.
function box(title, build, className) {
  const back = document.activeElement;
  return new Promise((resolve) => {
    let value = null;
    const close = (chosen = null) => { value = chosen; dialog.close(); };
    const dialog = make("dialog", { class: className, "aria-labelledby": "dialog-title", onclose: () => {
      dialog.remove();
      back?.focus?.({ preventScroll: true });
      resolve(value);
    } });
    dialog.addEventListener("click", (event) => { if (event.target === dialog) close(); });
    dialog.append(make("header", {}, make("h2", { id: "dialog-title" }, title),
      button("×", () => close(), { "aria-label": "Close", class: "quiet" })), ...build(close));
    document.body.append(dialog);
    dialog.showModal();
  });
}

// Let one of `options` be chosen, [{value, words, more}]; or of what `search(words)` finds.
export function choose(title, { options = [], search, words = "", hint }) {
  return box(title, (close) => {
    let shown = [], at = 0;
    const list = make("ul", { role: "listbox", id: "choices", "aria-label": title });
    const state = make("p", { class: "soft", role: "status" }, hint ?? "");
    const input = make("input", {
      type: "text", role: "combobox", "aria-expanded": "true", "aria-controls": "choices", autofocus: true,
      "aria-autocomplete": "list", "aria-label": title, autocomplete: "off", spellcheck: "false", value: words,
    });
    const mark = (k) => {
      at = Math.max(0, Math.min(k, shown.length - 1));
      [...list.children].forEach((row, i) => row.setAttribute("aria-selected", String(i === at)));
      if (shown.length) input.setAttribute("aria-activedescendant", `choice-${at}`);
      else input.removeAttribute("aria-activedescendant");
      list.children[at]?.scrollIntoView({ block: "nearest" });
    };
    const show = (found) => {
      shown = found;
      fill(list, found.map((option, k) => make("li", {
        role: "option", id: `choice-${k}`, onclick: () => close(option.value),
      }, make("span", {}, option.words), option.more ? make("span", { class: "tag" }, option.more) : null)));
      state.textContent = found.length ? hint ?? "" : "Nothing found.";
      mark(0);
    };
    const look = search ? later(search, show, state) : (sought) => show(
      options.filter((option) => option.words.toLowerCase().includes(sought.trim().toLowerCase())),
    );
    input.addEventListener("input", () => look(input.value));
    input.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[event.key];
      if (step) mark(at + step);
      else if (event.key === "Enter") { if (shown.length) close(shown[at].value); }
      else return;
      event.preventDefault();
    });
    look(words);
    return [input, state, list];
  });
}

// Ask after a short rest, and show the answer to the last question alone.
function later(search, show, state) {
  let timer = null, turn = 0;
  return (words) => {
    clearTimeout(timer);
    const mine = ++turn;
    if (!words.trim()) return show([]);
    timer = setTimeout(async () => {
      try {
        const found = await search(words.trim());
        if (mine === turn) show(found);
      } catch (error) {
        if (mine === turn) state.textContent = error.message;
      }
    }, WAIT_MS);
  };
}

// Let name and value pairs be changed; resolves with an object, or null.
export function pairs(title, known) {
  return box(title, (close) => {
    const rows = make("div", { class: "pairs" });
    const add = (name = "", value = "") => rows.append(make("div", {},
      make("input", { type: "text", "aria-label": "Name", placeholder: "name", value: name }),
      make("input", { type: "text", "aria-label": "Value", placeholder: "value", value: String(value) })));
    Object.entries(known).forEach(([name, value]) => add(name, value ?? ""));
    add();
    rows.addEventListener("input", () => {
      if (rows.lastElementChild.firstElementChild.value) add();
    });
    const form = make("form", { method: "dialog", onsubmit: (event) => {
      event.preventDefault();
      const typed = [...rows.children].map((row) => [...row.children].map((input) => input.value.trim()));
      close(Object.fromEntries(typed.filter(([name, value]) => name && value)));
    } }, rows, make("footer", {}, make("button", { type: "submit", class: "main" }, "Keep")));
    return [form];
  });
}

export function help() {
  return box("Keys", () => [make("div", { class: "keys", tabindex: "0", role: "group", "aria-label": "Keys" },
    KEYS.map(([title, rows]) => make("section", {}, make("h3", {}, title), make("dl", {},
      rows.flatMap(([, keys, words]) => [
        make("dt", {}, keys.slice(0, 2).flatMap((key, k) => [k ? " " : "", keyCap(keyWords(key))])),
        make("dd", {}, words),
      ])))))], "wide");
}
