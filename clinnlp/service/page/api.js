// Talks to the server: JSON in both ways, the token of the session on every change.

let token = "";

export function setToken(csrf) { token = csrf; }

// Return {status, body}; the status is 0 where the server could not be reached.
export async function call(method, path, sent) {
  const headers = { Accept: "application/json" };
  if (sent !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET") headers["X-CSRF-Token"] = token;
  let answer;
  try {
    answer = await fetch(`api/${path}`, {
      method, headers, body: sent === undefined ? undefined : JSON.stringify(sent),
      credentials: "same-origin", cache: "no-store",
    });
    const text = await answer.text();
    return { status: answer.status, body: text ? JSON.parse(text) : null };
  } catch {
    return { status: answer && answer.status >= 400 ? answer.status : 0, body: null };
  }
}

export class Refused extends Error {
  constructor(status, body) {
    super(body?.error ?? (status ? `The server answered ${status}.` : "The server cannot be reached."));
    this.status = status;
  }
}

// Return the body, or throw what the server said.
export async function ask(method, path, sent) {
  const { status, body } = await call(method, path, sent);
  if (status < 200 || status > 299) throw new Refused(status, body);
  return body;
}

export const get = (path) => ask("GET", path);
export const post = (path, sent = {}) => ask("POST", path, sent);
export const part = encodeURIComponent; // an id as a part of a path
