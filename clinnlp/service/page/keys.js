// Every key of the page for judging, in one table: what it does, and what the help says of it.

export const KEYS = [
  ["Judge", [
    ["accept", ["Enter", " "], "right: accept, and on to the next"],
    ["reject", ["x", "Delete", "Backspace"], "wrong: reject, and on to the next"],
    ["acceptRest", ["Shift+Enter"], "accept all that is left"],
    ["label", ["1", "2"], "… 9, 0: give it this label; in the text: add it under this label"],
    ["chooseLabel", ["l"], "choose a label from all"],
    ["asSuggested", ["b"], "back to what was suggested"],
    ["undo", ["z", "Ctrl+z"], "undo"],
    ["redo", ["y", "Shift+z", "Ctrl+y", "Ctrl+Shift+z"], "redo"],
  ]],
  ["What the note says of it", [
    ["axis:negated", ["n"], "negated"],
    ["axis:uncertain", ["u"], "uncertain"],
    ["axis:hypothetical", ["h"], "hypothetical"],
    ["axis:historical", ["p"], "past"],
    ["axis:experiencer", ["f"], "family, or someone else"],
    ["concept", ["c"], "search its concept"],
    ["attributes", ["a"], "attributes, such as a dose"],
    ["relate", ["t"], "tie it to another mention"],
  ]],
  ["Where it ends", [
    ["stretch:start:-1:word", ["q"], "begin a word earlier"],
    ["stretch:start:1:word", ["w"], "begin a word later"],
    ["stretch:end:-1:word", ["e"], "end a word earlier"],
    ["stretch:end:1:word", ["r"], "end a word later"],
    ["stretch:start:-1:letter", ["Shift+q"], "begin a letter earlier"],
    ["stretch:start:1:letter", ["Shift+w"], "begin a letter later"],
    ["stretch:end:-1:letter", ["Shift+e"], "end a letter earlier"],
    ["stretch:end:1:letter", ["Shift+r"], "end a letter later"],
  ]],
  ["Go", [
    ["next", ["ArrowDown", "j"], "next mention"],
    ["previous", ["ArrowUp", "k"], "mention before"],
    ["nextOpen", ["o"], "next one that is not judged"],
    ["nextNote", ["."], "next note"],
    ["previousNote", [","], "note before"],
    ["done", ["Ctrl+Enter"], "done with this note, and on to the next"],
  ]],
  ["In the text", [
    ["find", ["/"], "find words and select them"],
    ["caret:letter:-1", ["ArrowLeft"], "a letter to the left"],
    ["caret:letter:1", ["ArrowRight"], "a letter to the right"],
    ["caret:word:-1", ["Ctrl+ArrowLeft"], "a word to the left"],
    ["caret:word:1", ["Ctrl+ArrowRight"], "a word to the right"],
    ["caret:line:-1", ["↑"], "a line up, once in the text"],
    ["caret:line:1", ["↓"], "a line down, once in the text"],
    ["caret:edge:-1", ["Home"], "to the beginning of the line"],
    ["caret:edge:1", ["End"], "to the end of the line"],
    ["caret:all:-1", ["Ctrl+Home"], "to the beginning of the note"],
    ["caret:all:1", ["Ctrl+End"], "to the end of the note"],
    ["extend", ["Shift"], "with any of these: select"],
    ["leave", ["Escape"], "leave the text, back to the mentions"],
  ]],
  ["The note", [
    ["noteLabels", ["g"], "labels of the whole note"],
    ["comment", ["m"], "comment"],
    ["guideline", ["i"], "guideline"],
    ["help", ["?"], "this page"],
  ]],
];

const COMMANDS = new Map(
  KEYS.flatMap(([, rows]) => rows.flatMap(([command, keys]) => keys.map((key) => [key, command]))),
);
const NAMES = { " ": "Space", ArrowUp: "↑", ArrowDown: "↓", ArrowLeft: "←", ArrowRight: "→" };

// The name of a pressed key, such as "Ctrl+Shift+z": letters small, signs as they are printed.
export function keyName({ key, ctrlKey, metaKey, shiftKey, altKey }) {
  const isLetter = /^\p{L}$/u.test(key), isSign = key.length === 1 && !isLetter && key !== " ";
  const shift = shiftKey && !isSign ? "Shift+" : "";
  return `${ctrlKey || metaKey ? "Ctrl+" : ""}${altKey ? "Alt+" : ""}${shift}${isLetter ? key.toLowerCase() : key}`;
}

// Return [command, whether it extends a selection], or null for a key that is not ours.
export function commandOf(event) {
  const name = keyName(event);
  if (/^[0-9]$/.test(name)) return [`label:${(Number(name) + 9) % 10}`, false];
  if (COMMANDS.has(name) && name !== "Shift") return [COMMANDS.get(name), false];
  const plain = COMMANDS.get(name.replace("Shift+", ""));
  if (event.shiftKey && plain?.startsWith("caret:")) return [plain, true];
  if (event.shiftKey && (plain === "next" || plain === "previous")) return [plain, true];
  return null;
}

export function keyWords(key) {
  return key.split("+").map((name) => NAMES[name] ?? (name.length === 1 ? name.toUpperCase() : name)).join(" ");
}
