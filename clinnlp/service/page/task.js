// A note under judgement as plain data, and what each action makes of it.
//
// `apply(task, action)` returns a new task and leaves the old one as it was; mentions that an action
// does not touch are the same objects in both, so that what changed is found by `!==`. `undoing`
// returns the actions that lead back. The server does the same with the same actions.

const FIELDS = ["start", "end", "label"];
const MERGED = ["axes", "attributes"];

export function taskOf(data) {
  return {
    ...data,
    mentions: new Map(data.mentions.map((mention) => [mention.id, { axes: {}, attributes: {}, concepts: [], ...mention }])),
    relations: new Map(data.relations.map((relation) => [relation.id, relation])),
    note_labels: data.note_labels ?? [],
    comment: data.comment ?? "",
  };
}

export function inOrder(mentions) {
  return [...mentions.values()].sort((a, b) => a.start - b.start || b.end - a.end || (a.id < b.id ? -1 : 1));
}

// Return the task after an action, or null where what it speaks of is not there.
export function apply(task, action) { return EFFECTS[action.do]?.(task, action) ?? null; }

const EFFECTS = {
  accept: (task, { mention }) => judged(task, mention, (old) => ({
    ...old, judged: old.judged === null || old.judged === "rejected" ? "accepted" : old.judged,
  })),
  reject: (task, { mention }) => judged(task, mention, (old) => (
    old.judged === "added" ? null : { ...old, judged: "rejected" }
  )),
  undo_judgement: (task, { mention }) => judged(task, mention, (old) => (
    old.judged === "added" ? null : { ...(old.suggested ?? old), judged: null }
  )),
  change: (task, action) => judged(task, action.mention, (old) => changed(old, action)),
  add: (task, { id, start, end, label, axes }) => withMention(task, id, {
    id, start, end, label, axes: axes ?? {}, attributes: {}, concepts: [], cue: null, score: null,
    source: null, judged: "added",
  }),
  relate: (task, { id, label, roles }) => withRelation(task, id, { id, label, roles, judged: "added" }),
  unrelate: (task, { relation }) => (task.relations.has(relation) ? withRelation(task, relation, null) : null),
  note_labels: (task, { labels }) => ({ ...task, note_labels: labels }),
  comment: (task, { text }) => ({ ...task, comment: text }),
  done: (task) => ({ ...task, is_done: true }),
  reopen: (task) => ({ ...task, is_done: false }),
};

function judged(task, id, become) {
  const old = task.mentions.get(id);
  return old ? withMention(task, id, become(old)) : null;
}

function withMention(task, id, mention) {
  const mentions = new Map(task.mentions);
  if (mention) return { ...task, mentions: mentions.set(id, mention) };
  mentions.delete(id);
  const kept = [...task.relations].filter(([, relation]) => !Object.values(relation.roles).includes(id));
  return { ...task, mentions, relations: new Map(kept) };
}

function withRelation(task, id, relation) {
  const relations = new Map(task.relations);
  if (relation) relations.set(id, relation);
  else relations.delete(id);
  return { ...task, relations };
}

function changed(old, action) {
  const mention = { ...old, judged: old.judged === "added" ? "added" : "changed" };
  if (old.judged === null) mention.suggested = old; // what "undo_judgement" leads back to
  for (const field of FIELDS) if (action[field] !== undefined) mention[field] = action[field];
  if (action.concepts) mention.concepts = action.concepts;
  for (const field of MERGED) if (action[field]) mention[field] = merged(old[field], action[field]);
  if (mention.start !== old.start || mention.end !== old.end) delete mention.parts;
  return mention;
}

function merged(old, named) {
  const known = Object.entries({ ...old, ...named }).filter(([, value]) => value !== null);
  return Object.fromEntries(known);
}

// Return the actions that lead from `task` after `action` back to `task`.
export function undoing(task, action) {
  const simple = {
    note_labels: () => [{ do: "note_labels", labels: task.note_labels }],
    comment: () => [{ do: "comment", text: task.comment }],
    done: () => [{ do: "reopen" }],
    reopen: () => [{ do: "done" }],
    add: () => [{ do: "undo_judgement", mention: action.id }],
    relate: () => (task.relations.has(action.id)
      ? [relating(task.relations.get(action.id))] : [{ do: "unrelate", relation: action.id }]),
    unrelate: () => [relating(task.relations.get(action.relation))],
  }[action.do];
  return simple ? simple() : leadingTo(task, task.mentions.get(action.mention));
}

function relating({ id, label, roles }) { return { do: "relate", id, label, roles }; }

// The actions that give a mention what it had, whatever it has now.
function leadingTo(task, { id, judged, start, end, label, axes, attributes, concepts, suggested }) {
  if (judged === "added") {
    const lost = [...task.relations.values()].filter(({ roles }) => Object.values(roles).includes(id));
    return [
      { do: "undo_judgement", mention: id }, { do: "add", id, start, end, label, axes },
      ...(Object.keys(attributes).length || concepts.length
        ? [{ do: "change", mention: id, attributes, concepts }] : []),
      ...lost.map(relating),
    ];
  }
  const steps = [{ do: "undo_judgement", mention: id }];
  if (judged === "changed" || suggested) {
    const whole = { axes: cleared(suggested?.axes, axes), attributes: cleared(suggested?.attributes, attributes) };
    steps.push({ do: "change", mention: id, start, end, label, concepts, ...whole });
  }
  if (judged === "accepted") steps.push({ do: "accept", mention: id });
  if (judged === "rejected") steps.push({ do: "reject", mention: id });
  return steps;
}

// What an earlier step has and a later one has not is cleared by null.
function cleared(earlier, later) {
  return { ...Object.fromEntries(Object.keys(earlier ?? {}).map((name) => [name, null])), ...later };
}
