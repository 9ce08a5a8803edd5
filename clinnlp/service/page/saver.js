// Sends judgements as they are made, loses none, and says how it stands.
//
// Actions wait in a queue until the server has answered. An old version (409) brings what the other
// person did: the queue is put on top of it and sent again. While the server cannot be reached, the
// queue waits and tries again; it lies in memory alone, since it speaks of a patient.

import { apply, reopening, taskOf } from "./task.js";

const GATHER_MS = 150, FIRST_RETRY_MS = 500, LAST_RETRY_MS = 15000, PAUSE_S = 60;

export class Saver {
  // `send(task id, body)` posts; `onState(word)` hears "saved", "saving", "offline", "refused" or "login";
  // `onTask(task)` hears the task as it stands after what another person did.
  constructor({ task, send, onState, onTask, now = () => performance.now() }) {
    Object.assign(this, { id: task.task, version: task.version, send, onState, onTask, now });
    this.waiting = [];
    this.sending = null; // the promise of the request under way
    this.retryMs = FIRST_RETRY_MS;
    this.lastActive = now();
    this.seconds = 0;
  }

  get isClean() { return !this.waiting.length && !this.sending; }

  // Time at work: pauses of more than a minute count as a minute.
  active() {
    const now = this.now();
    this.seconds += Math.min((now - this.lastActive) / 1000, PAUSE_S);
    this.lastActive = now;
  }

  push(actions) {
    this.active();
    this.waiting.push(...actions);
    this.onState("saving");
    this.#after(GATHER_MS);
  }

  // Send all there is now; resolves when the server has it, or false where it could not be reached.
  async flush() {
    clearTimeout(this.timer);
    this.timer = null;
    while (this.sending || this.waiting.length) {
      if (!(await (this.sending ?? this.#sendAll()))) return false;
    }
    return true;
  }

  #after(ms) {
    this.timer ??= setTimeout(() => {
      this.timer = null;
      if (!this.sending) this.flush();
    }, ms);
  }

  #sendAll() {
    const actions = this.waiting, seconds = this.seconds;
    this.waiting = [];
    this.seconds = 0;
    const body = { version: this.version, seconds: Math.round(seconds * 1000) / 1000, actions };
    const again = () => { this.waiting = [...actions, ...this.waiting]; this.seconds += seconds; };
    this.sending = this.send(this.id, body).then((answer) => this.#answered(answer, again));
    return this.sending.finally(() => { this.sending = null; });
  }

  #answered({ status, body }, again) {
    const meaning = ANSWERS[status] ?? (status >= 500 || status === 0 || status === 429 ? "offline" : "refused");
    if (meaning === "saved") {
      this.version = body.version;
      this.retryMs = FIRST_RETRY_MS;
      this.onState(this.waiting.length ? "saving" : "saved");
      return true;
    }
    if (meaning === "old") {
      again();
      this.#ontoNewer(taskOf(body));
      return true; // and round again, with the new version
    }
    if (meaning === "refused") { // the server holds it wrong: what it has is what stands
      this.onState("refused", body?.error);
      return false;
    }
    again();
    this.onState(meaning);
    if (meaning === "offline") {
      this.#after(this.retryMs);
      this.retryMs = Math.min(this.retryMs * 2, LAST_RETRY_MS);
    }
    return false;
  }

  #ontoNewer(newer) {
    this.version = newer.version;
    const kept = [];
    let task = newer;
    for (const action of reopening(task, this.waiting)) {
      const next = apply(task, action);
      if (next) kept.push(action);
      task = next ?? task;
    }
    this.waiting = kept;
    this.onTask(task);
    if (!kept.length) this.onState("saved");
  }
}

const ANSWERS = { 200: "saved", 204: "saved", 409: "old", 401: "login" };
