// The page: who is logged in, where in the address they are, and which view shows it.

import { announce } from "./announce.js";
import { get, post, Refused, setToken } from "./api.js";
import { $, fill, make } from "./dom.js";
import { showLogin } from "./login.js";
import { wireTheme } from "./theme.js";

const VIEWS = [ // the address behind "#", the file of its view
  [/^\/$/, "projects"],
  [/^\/p\/([^/]+)$/, "queue"],
  [/^\/p\/([^/]+)\/t\/([^/]+)$/, "judge"],
  [/^\/p\/([^/]+)\/adjudication$/, "adjudication"],
  [/^\/p\/([^/]+)\/a\/([^/]+)$/, "adjudicate"],
  [/^\/p\/([^/]+)\/agreement$/, "agreement"],
  [/^\/p\/([^/]+)\/people$/, "people"],
  [/^\/p\/([^/]+)\/learn$/, "learn"],
  [/^\/p\/([^/]+)\/rules$/, "rules"],
];
const app = { me: null, projects: null, go, login, trail };
const WAIT_MS = 400;
let view = null, turn = 0;

function go(path) {
  if (location.hash === `#${path}`) show();
  else location.hash = path;
}

// Ask for name and password over the page; resolves when they were right.
async function login() {
  app.me = await showLogin();
  setToken(app.me.csrf);
  app.projects = null;
  showWho();
}

function trail(...steps) { // [[words, path], …]; the last is where we are
  const links = [["clinnlp review", "/"], ...steps].map(([words, path], k) => (
    k === steps.length ? make("span", { "aria-current": "page" }, words) : make("a", { href: `#${path}` }, words)
  ));
  fill($("#trail"), links.flatMap((link, k) => (k ? [make("span", { "aria-hidden": "true" }, " › "), link] : [link])));
  document.title = [...steps.map(([words]) => words).reverse(), "clinnlp review"].join(" · ");
}

function showWho() {
  $("#who").textContent = app.me ? `${app.me.user}, ${app.me.role}` : "";
  $("#logout").hidden = !app.me;
}

async function show() {
  const mine = ++turn, path = decodeURI(location.hash.slice(1)) || "/";
  view?.leave?.();
  view = null;
  const [pattern, name] = VIEWS.find(([known]) => known.test(path)) ?? VIEWS[0];
  const words = (pattern.exec(path) ?? []).slice(1).map(decodeURIComponent);
  const waiting = setTimeout(() => fill($("#main"), make("p", { class: "soft lone", role: "status" }, "One moment …")), WAIT_MS);
  try {
    app.projects ??= await get("projects");
    const module = await import(`./${name}.js`);
    const root = make("div", { class: `view ${name}` });
    const made = await module.show(root, app, ...words);
    clearTimeout(waiting);
    if (mine !== turn) return made?.leave?.();
    view = made;
    fill($("#main"), root);
    made?.shown?.();
  } catch (error) {
    clearTimeout(waiting);
    if (mine === turn) await failed(error);
  }
}

async function failed(error) {
  if (error instanceof Refused && error.status === 401) {
    await login();
    return show();
  }
  if (!(error instanceof Refused)) console.error(error.name); // its words may quote a note
  const words = error instanceof Refused ? error.message : "This view could not be shown.";
  fill($("#main"), make("div", { class: "lone", role: "alert" }, make("p", {}, words), make("p", {}, make("a", { href: "#/" }, "To the projects"))));
}

async function start() {
  wireTheme($("#theme"));
  $("#logout").addEventListener("click", async () => {
    view?.leave?.();
    view = null;
    await post("logout").catch(() => announce("The server cannot be reached."));
    location.hash = "/";
    location.reload();
  });
  $("#skip").addEventListener("click", (event) => { event.preventDefault(); $("#main").focus(); });
  try {
    app.me = await get("me");
    setToken(app.me.csrf);
    showWho();
  } catch (error) {
    if (error.status !== 401) return failed(error);
    await login();
  }
  addEventListener("hashchange", show);
  await show();
}

await start();
