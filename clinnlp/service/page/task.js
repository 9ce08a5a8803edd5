// A note under judgement as plain data, and what each action makes of it.
//
// `apply(task, action)` returns a new task and leaves the old one as it was; mentions that an action
// does not touch are the same objects in both, so that what changed is found by `!==`. `undoing`
// returns the actions that lead back. The server does the same with the same actions.

const WHOLE = ["start", "end", "parts", "label", "axes", "attributes", "concepts"];
const OPEN_WHEN_DONE = ["reopen", "comment", "done"];
const BLANK = { parts: [], axes: {}, cues: {}, attributes: {}, concepts: [] };

export function taskOf(data) {
  return {
    ...data,
    mentions: new Map(data.mentions.map((mention) => [mention.id, { ...BLANK, ...mention }])),
    relations: new Map(data.relations.map((relation) => [relation.id, relation])),
    note_labels: data.note_labels ?? [],
    comment: data.comment ?? "",
  };
}

export function inOrder(mentions) {
  return [...mentions.values()].sort((a, b) => a.start - b.start || b.end - a.end || (a.id < b.id ? -1 : 1));
}

// The relations that one mention is an end of, whose ends are all there.
export function tiesOf(task, id) {
  return [...task.relations.values()].filter((relation) => {
    const ends = endsOf(relation);
    return ends.includes(id) && ends.every((end) => task.mentions.has(end));
  });
}

export function endsOf({ roles }) { return Object.values(roles).flat(); }

// Return the task after an action, or null where what it speaks of is not there, or is so already.
export function apply(task, action) { return EFFECTS[action.do]?.(task, action) ?? null; }

const EFFECTS = {
  accept: (task, { mention }) => judged(task, mention, (old) => (
    old.judged === null || old.judged === "rejected" ? { ...old, judged: "accepted" } : old
  )),
  reject: (task, { mention }) => judged(task, mention, (old) => asGiven(old, "rejected")),
  undo_judgement: (task, { mention }) => judged(task, mention, (old) => asGiven(old, null)),
  change: (task, action) => judged(task, action.mention, (old) => changed(old, action)),
  add: (task, { do: _, id, ...fields }) => (task.mentions.has(id) ? null : put(task, "mentions", id, {
    ...BLANK, cue: null, score: null, source: null, id, ...fields, judged: "added",
  })),
  relate: (task, { id, label, roles }) => put(task, "relations", id, { id, label, roles }),
  unrelate: (task, { relation }) => (task.relations.has(relation) ? put(task, "relations", relation, null) : null),
  note_labels: (task, { labels }) => ({ ...task, note_labels: labels }),
  comment: (task, { text }) => ({ ...task, comment: text }),
  done: (task) => (task.is_done ? null : { ...task, is_done: true }),
  reopen: (task) => (task.is_done ? { ...task, is_done: false } : null),
};

function judged(task, id, become) {
  const old = task.mentions.get(id);
  return old ? put(task, "mentions", id, become(old)) : null;
}

function put(task, kind, id, value) {
  const all = new Map(task[kind]);
  if (value) all.set(id, value);
  else all.delete(id);
  return { ...task, [kind]: all };
}

// An added mention goes; a suggested one stands again as it was suggested.
function asGiven(old, word) {
  if (old.judged === "added") return null;
  const { given, ...fields } = old;
  return { ...fields, ...given, judged: word };
}

function changed(old, action) {
  const mention = { ...old, judged: old.judged === "added" ? "added" : "changed" };
  if (old.judged !== "added") mention.given ??= Object.fromEntries([...WHOLE, "cues", "cue"].map((field) => [field, old[field]]));
  for (const field of WHOLE) if (action[field] !== undefined && field !== "axes") mention[field] = action[field];
  if (action.parts === undefined && (action.start ?? action.end) !== undefined) mention.parts = [];
  for (const [axis, value] of Object.entries(action.axes ?? {})) withAxis(mention, axis, value);
  if (mention.given && isSame(mention, mention.given)) return asGiven(mention, "accepted");
  return mention;
}

function withAxis(mention, axis, value) { // what a person decided has no cue
  if ((mention.axes[axis] ?? null) === value) return;
  const { [axis]: _, ...cues } = mention.cues;
  Object.assign(mention, { axes: { ...mention.axes, [axis]: value }, cues, cue: Object.values(cues)[0] ?? null });
}

function isSame(a, b) { return spelled(a) === spelled(b); }

function spelled({ start, end, parts, label, axes, cues, attributes, concepts }) {
  const known = (pairs) => Object.entries(pairs ?? {}).filter(([, value]) => value !== null).sort();
  return JSON.stringify([start, end, parts ?? [], label, known(axes), known(cues), known(attributes), concepts.map(({ id }) => id)]);
}

// A note that is done is opened again by what judges it.
export function reopening(task, actions) {
  const isClosed = task.is_done && actions.some((action) => !OPEN_WHEN_DONE.includes(action.do));
  return isClosed && actions[0].do !== "reopen" ? [{ do: "reopen" }, ...actions] : actions;
}

// Return the actions that lead from `task` after `action` back to `task`.
export function undoing(task, action) {
  const simple = {
    note_labels: () => ({ do: "note_labels", labels: task.note_labels }),
    comment: () => ({ do: "comment", text: task.comment }),
    done: () => ({ do: "reopen" }),
    reopen: () => ({ do: "done" }),
    add: () => ({ do: "undo_judgement", mention: action.id }),
    relate: () => (task.relations.has(action.id)
      ? relating(task.relations.get(action.id)) : { do: "unrelate", relation: action.id }),
    unrelate: () => relating(task.relations.get(action.relation)),
  }[action.do];
  return simple ? [simple()] : leadingTo(task.mentions.get(action.mention));
}

function relating({ id, label, roles }) { return { do: "relate", id, label, roles }; }

// The actions that give a mention what it had, whatever it has now.
function leadingTo(mention) {
  const { id } = mention, whole = Object.fromEntries(WHOLE.map((field) => [field, mention[field]]));
  const reset = { do: "undo_judgement", mention: id };
  return {
    null: [reset],
    accepted: [reset, { do: "accept", mention: id }],
    rejected: [{ do: "reject", mention: id }],
    changed: [reset, ...withoutCues(mention), { do: "change", mention: id, ...whole }],
    added: [reset, { do: "add", id, ...whole }],
  }[mention.judged];
}

// A value that was set to another and back has lost its cue; so it goes through null once more.
function withoutCues({ id, given, cues }) {
  const lost = Object.keys(given?.cues ?? {}).filter((axis) => !(axis in cues));
  return lost.length ? [{ do: "change", mention: id, axes: Object.fromEntries(lost.map((axis) => [axis, null])) }] : [];
}
