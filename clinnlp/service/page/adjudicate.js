// Deciding where two readings of a note differ: take one, the other, neither, or judge anew.

import { get, part, post } from "./api.js";
import { make } from "./dom.js";
import { Editor } from "./editor.js";
import { nextIn, sendJudgements } from "./judge.js";
import { Offsets } from "./offsets.js";
import { projectOf } from "./project_parts.js";
import { differenceList, otherDifferences, sideBySide } from "./readings.js";

export async function show(root, app, projectId, taskId) {
  const project = projectOf(app, projectId), load = () => get(`adjudications/${part(taskId)}`);
  const data = await load(), offsets = new Offsets(data.note.text);
  app.trail([project.name, `/p/${projectId}`], ["Adjudication", `/p/${projectId}/adjudication`], [data.note.id, ""]);
  root.classList.add("judge");
  const next = async (step, isAny) => {
    const { items } = await get(`projects/${part(projectId)}/adjudication`);
    const to = nextIn(items, taskId, step, isAny);
    app.go(to ? `/p/${part(projectId)}/a/${part(to.task)}` : `/p/${part(projectId)}/adjudication`);
  };
  let editor = null;
  const both = sideBySide(offsets, project, data.mentions, data.differences);
  const list = differenceList(offsets, data.differences, {
    onTake: (difference, side) => take(editor, difference, side),
    onShow: (difference) => {
      both.show(difference);
      editor.select(suggestionsOf(editor.task, difference)[0]?.mention.id ?? editor.selected);
    },
  });
  const others = otherDifferences(offsets, data, {
    onRelation: (relation, isTaken) => keep(editor, relation, isTaken),
    onLabels: (labels) => editor.commit([{ do: "note_labels", labels }]),
  });
  const aside = make("div", {}, list, others);
  return {
    shown() {
      const frame = make("div");
      root.append(frame);
      editor = new Editor(frame, { project, data, above: both, aside, server: {
        load, next, login: app.login, send: sendJudgements,
        search: (sought) => post("concepts", { project: project.id, q: sought.slice(0, 200) }),
      } });
    },
    leave() { editor?.leave(); },
  };
}

// What stands in the task for the two sides of a difference.
function suggestionsOf(task, difference) {
  return [["A", "left"], ["B", "right"]].flatMap(([source, side]) => {
    const sought = difference[side];
    const mention = sought && [...task.mentions.values()].find((one) => {
      const { start, end, label } = one.given ?? one;
      return one.source === source && start === sought.start && end === sought.end && label === sought.label;
    });
    return mention ? [{ mention, side }] : [];
  });
}

// A relation of one reading stays, or goes, or comes back.
function keep(editor, { id, label, roles }, isTaken) {
  if (isTaken === editor.task.relations.has(id)) return;
  editor.commit([isTaken ? { do: "relate", id, label, roles } : { do: "unrelate", relation: id }]);
}

function take(editor, difference, taken) {
  const found = suggestionsOf(editor.task, difference);
  editor.commit(found.flatMap(({ mention, side }) => (side === taken
    ? [{ do: "undo_judgement", mention: mention.id }, { do: "accept", mention: mention.id }] : [{ do: "reject", mention: mention.id }])));
  if (found.length) editor.select(found[0].mention.id);
}
