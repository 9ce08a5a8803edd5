// Sorting, filtering, theme and "you are here". The page is complete without any of it.
"use strict";

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

function value(row, column) {
  const cell = row.cells[column];
  const number = cell.dataset.v;
  if (number !== undefined) return number === "" ? NaN : Number(number.replace("inf", "Infinity"));
  return cell.textContent.trim();
}

function compare(a, b, down) {
  const missing = (v) => v === "–" || v === "" || Number.isNaN(v);
  if (missing(a) || missing(b)) return missing(a) - missing(b); // the missing always last
  const order = typeof a === "number" && typeof b === "number" ? a - b : collator.compare(a, b);
  return down ? -order : order;
}

function sortable(table) {
  table.querySelectorAll("thead th").forEach((th, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...th.childNodes);
    th.append(button);
    button.addEventListener("click", () => {
      const numeric = th.classList.contains("n");
      const before = th.getAttribute("aria-sort");
      const down = before ? before === "ascending" : numeric; // numbers: largest first
      table.querySelectorAll("th").forEach((other) => other.removeAttribute("aria-sort"));
      th.setAttribute("aria-sort", down ? "descending" : "ascending");
      const body = table.tBodies[0];
      const rows = Array.from(body.rows, (row) => [value(row, column), row]);
      rows.sort((a, b) => compare(a[0], b[0], down));
      body.append(...rows.map((pair) => pair[1]));
    });
  });
}

function filterable(table) {
  const body = table.tBodies[0];
  if (body.rows.length < 12) return;
  const box = document.createElement("input");
  box.type = "search";
  box.className = "filter";
  box.placeholder = "Filter rows …";
  box.setAttribute("aria-label", "Filter the rows of this table");
  box.addEventListener("input", () => {
    const words = box.value.toLowerCase().split(/\s+/);
    for (const row of body.rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
    }
  });
  table.closest(".scroll").before(box);
}

function theme() {
  const root = document.documentElement;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "theme";
  button.textContent = "◐";
  button.title = "Light or dark";
  button.setAttribute("aria-label", "Switch between light and dark");
  button.addEventListener("click", () => {
    const dark = root.dataset.theme
      ? root.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });
  document.querySelector(".toc .brand").append(button);
}

function here() {
  const links = new Map();
  document.querySelectorAll(".toc a").forEach((a) => links.set(a.hash.slice(1), a));
  const marks = Array.from(links.keys(), (id) => document.getElementById(id)).filter(Boolean);
  const update = () => {
    let current = marks[0];
    for (const mark of marks) if (mark.getBoundingClientRect().top < 140) current = mark;
    links.forEach((a, id) => a.classList.toggle("here", current !== undefined && id === current.id));
  };
  addEventListener("scroll", update, { passive: true });
  update();
}

document.querySelectorAll("table.sortable").forEach((table) => {
  sortable(table);
  filterable(table);
});
theme();
here();
