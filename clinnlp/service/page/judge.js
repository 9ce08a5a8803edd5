// One note of the queue under judgement.

import { call, get, part, post } from "./api.js";
import { Editor } from "./editor.js";
import { make } from "./dom.js";
import { projectOf } from "./project_parts.js";

export async function show(root, app, projectId, taskId) {
  const project = projectOf(app, projectId), load = () => get(`tasks/${part(taskId)}`);
  const data = await load();
  const words = data.note.id;
  app.trail([project.name, `/p/${projectId}`], [words, ""]);
  const next = async (step, isAny = false) => {
    const { items } = await get(`projects/${part(projectId)}/queue`);
    const to = nextIn(items, taskId, step, isAny);
    app.go(to ? `/p/${part(projectId)}/t/${part(to.task)}` : `/p/${part(projectId)}`);
  };
  let editor = null;
  return {
    shown() {
      const frame = make("div");
      root.append(frame);
      editor = new Editor(frame, { project, data, server: {
        load, next, login: app.login,
        send: sendJudgements,
        search: (sought) => post("concepts", { project: project.id, q: sought.slice(0, 200) }),
      } });
    },
    leave() { editor?.leave(); },
  };
}

// Concepts travel as ids; the page keeps their names beside.
export function sendJudgements(id, { actions, ...body }) {
  const sent = actions.map((action) => (action.concepts ? { ...action, concepts: action.concepts.map((one) => one.id) } : action));
  return call("POST", `tasks/${part(id)}/judgements`, { ...body, actions: sent });
}

// The next note in the queue that is not done (or any), from the top again at its end.
export function nextIn(items, taskId, step, isAny) {
  const n = items.length, at = items.findIndex(({ task }) => String(task) === taskId);
  for (let k = 1; k < n; k++) {
    const one = items[(((at + step * k) % n) + n) % n];
    if (isAny || one.state !== "done") return one;
  }
  return null;
}
