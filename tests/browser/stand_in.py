"""A small server for the page alone: its files under its policy, and tasks kept in memory.

What it does with judgements is written anew here, in few lines, as a second opinion on what the page
computes; the tests that matter drive the real server.
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
KINDS = {"html": "text/html; charset=utf-8", "js": "text/javascript", "css": "text/css"}
PAGE = resources.files("clinnlp.service") / "page"
EMPTY = {"parts": [], "axes": {}, "cues": {}, "cue": None, "attributes": {}, "concepts": []}
EMPTY |= {"score": None, "source": None}


def task_of(name, text, mentions=(), relations=()):
    """Return a task as the server gives it; mentions are (id, start, end, label) or dicts."""
    full = [
        {**EMPTY, "judged": None}
        | (one if isinstance(one, dict) else dict(zip(("id", "start", "end", "label"), one)))
        for one in mentions
    ]
    note = {"id": name, "text": text, "sha256": "0", "patient": None, "kind": None, "time": None}
    return {
        "task": name, "project": "p", "kind": "note", "note": note, "version": 0, "is_done": False, "mentions": full,
        "relations": list(relations), "note_labels": [], "comment": "",
    }  # fmt: skip


WHOLE = ("start", "end", "parts", "label", "axes", "cues", "cue", "attributes", "concepts")


def after(task, action):
    """Change a task by one action."""
    by_id = {one["id"]: one for one in task["mentions"]}
    one = by_id.get(action.get("mention"))
    match action:
        case {"do": "accept"} if one["judged"] in (None, "rejected"):
            one["judged"] = "accepted"
        case {"do": "undo_judgement" | "reject" as word} if one["judged"] != "added":
            one |= {**one.pop("given", {}), "judged": "rejected" if word == "reject" else None}
        case {"do": "undo_judgement" | "reject"}:
            task["mentions"].remove(one)
        case {"do": "add", **fields}:
            assert fields["id"] not in by_id
            fields["concepts"] = [{"id": code} for code in fields.get("concepts", ())]
            task["mentions"].append({**EMPTY, **fields, "judged": "added"})
        case {"do": "change"}:
            change(one, action)
        case {"do": "relate", **fields}:
            task["relations"] = [r for r in task["relations"] if r["id"] != fields["id"]] + [fields]
        case {"do": "unrelate", "relation": gone}:
            task["relations"] = [r for r in task["relations"] if r["id"] != gone]
        case {"do": "note_labels", "labels": labels}:
            task["note_labels"] = labels
        case {"do": "comment", "text": text}:
            task["comment"] = text
        case {"do": "done" | "reopen" as word}:
            assert word == "reopen" or all(one["judged"] for one in task["mentions"])
            task["is_done"] = word == "done"


def change(one, action):
    if one["judged"] != "added":
        one.setdefault("given", {key: one[key] for key in WHOLE})
        one["judged"] = "changed"
    one |= {key: action[key] for key in ("start", "end", "label", "attributes") if key in action}
    if action.keys() & {"start", "end", "parts"}:
        one["parts"] = action.get("parts", [])
    if "concepts" in action:
        one["concepts"] = [{"id": code} for code in action["concepts"]]
    said = {k: v for k, v in action.get("axes", {}).items() if one["axes"].get(k) != v}
    one["axes"] = one["axes"] | said
    one["cues"] = {axis: cue for axis, cue in one["cues"].items() if axis not in said}
    if all(one[key] == one.get("given", {}).get(key) for key in WHOLE if key != "cue"):
        one |= {**one.pop("given"), "judged": "accepted"}


class StandIn:
    """The server; `answers` maps a path of the interface to what it gives instead."""

    def __init__(self, tasks, project):
        self.tasks = {task["task"]: task for task in tasks}
        self.project = {"id": "p", "axes": [], "relation_labels": [], "note_labels": []} | project
        self.answers, self.posts, self.user = {}, [], "ana"
        self.lock = threading.Lock()
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                stand_in.answer(self, None)

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"] or 0))
                stand_in.answer(self, json.loads(body or b"{}"))

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def answer(self, request, body):
        path = request.path.lstrip("/").split("?")[0]
        if not path.startswith("api/"):
            name = path.removeprefix("static/") or "index.html"
            return self.send(request, 200, (PAGE / name).read_bytes(), KINDS[name.split(".")[-1]])
        with self.lock:
            status, found = self.found(path.removeprefix("api/"), body)
        return self.send(request, status, json.dumps(found).encode(), "application/json")

    def found(self, path, body):
        if body is not None:
            self.posts.append((path, body))
        if path in self.answers:
            given = self.answers[path]
            return given(body) if callable(given) else (200, given)
        match path.split("/"):
            case ["login"]:
                self.user = body["user"]
                return 200, None
            case ["me"] if self.user:
                return 200, {"user": self.user, "role": "owner", "csrf": "t", "may_see_text": True}
            case ["projects"]:
                done = sum(task["is_done"] for task in self.tasks.values())
                return 200, [self.project | {"n_notes": len(self.tasks), "n_done": done}]
            case ["projects", _, "queue"]:
                items = [self.item(task) for task in self.tasks.values()]
                return 200, {"items": items, "n_left": sum(i["state"] != "done" for i in items)}
            case ["tasks", name]:
                return 200, self.tasks[name]
            case ["tasks", name, "judgements"]:
                return self.judged(self.tasks[name], body)
        return 404, {"error": "There is no such thing."}

    def item(self, task):
        state = "done" if task["is_done"] else "begun" if task["version"] else "open"
        return {"task": task["task"], "note": 1, "title": task["note"]["id"], "state": state}

    def judged(self, task, body):
        if body["version"] != task["version"]:
            return 409, task | {"error": "The note has changed since."}
        for action in body["actions"]:
            after(task, action)
        task["version"] += 1
        return 200, {"version": task["version"]}

    def send(self, request, status, body, kind):
        request.send_response(status)
        for name, value in {
            "Content-Type": kind, "Content-Length": str(len(body)), "Content-Security-Policy": POLICY,
            "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
        }.items():  # fmt: skip
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body)
