// Places in a text, in three ways: code points (the store), UTF-16 units (the browser), and steps
// that a reader sees (letters with their marks, words).
//
// A code point beyond U+FFFF takes two units. `astral` holds the unit at which each of them begins,
// so that both directions are one binary search.

const WORD = /[\p{L}\p{N}\p{M}]+|[^\s\p{L}\p{N}\p{M}]/gu;
const SPACE = /\s/u;

// Return how many of the sorted `values` are below `limit`.
export function countBelow(values, limit) {
  let low = 0, high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

export class Offsets {
  constructor(text) {
    this.text = text;
    this.astral = astralUnits(text);
    this.astralPoints = this.astral.map((unit, k) => unit - k);
    this.length = text.length - this.astral.length; // in code points
    [this.wordStarts, this.wordEnds] = wordEdges(text);
    this.letters = new Intl.Segmenter(undefined, { granularity: "grapheme" }).segment(text);
  }

  toUnit(point) { return point + countBelow(this.astralPoints, point); }

  // A unit inside a pair counts as the pair's beginning.
  toPoint(unit) { return unit - countBelow(this.astral, unit); }

  slice(start, end) { return this.text.slice(this.toUnit(start), this.toUnit(end)); }

  // One letter to the left or right, with its marks; a line end of two characters is one step.
  letter(point, step) {
    const unit = this.toUnit(point) + (step < 0 ? -1 : 0);
    if (unit < 0 || unit >= this.text.length) return point;
    const { index, segment } = this.letters.containing(unit);
    return this.toPoint(step < 0 ? index : index + segment.length);
  }

  // The next beginning ("start") or end ("end") of a word in a direction, or the end of the text.
  word(point, step, edge) {
    const edges = edge === "start" ? this.wordStarts : this.wordEnds, unit = this.toUnit(point);
    if (step < 0) {
      const k = countBelow(edges, unit);
      return k ? this.toPoint(edges[k - 1]) : 0;
    }
    const k = countBelow(edges, unit + 1);
    return k < edges.length ? this.toPoint(edges[k]) : this.length;
  }

  // The span without space at its ends; null where nothing is left.
  trimmed(start, end) {
    let [low, high] = [this.toUnit(start), this.toUnit(end)];
    while (low < high && SPACE.test(this.text[low])) low++;
    while (low < high && SPACE.test(this.text[high - 1])) high--;
    return low < high ? [this.toPoint(low), this.toPoint(high)] : null;
  }

  // Where the words stand next after a place, from the top again at the end; null where nowhere.
  find(words, after) {
    const plain = this.text.toLowerCase(), sought = words.toLowerCase();
    if (!sought || plain.length !== this.text.length) return this.#findExact(words, after);
    const from = this.toUnit(after);
    let unit = plain.indexOf(sought, from);
    if (unit < 0) unit = plain.indexOf(sought);
    return unit < 0 ? null : [this.toPoint(unit), this.toPoint(unit + sought.length)];
  }

  #findExact(words, after) { // lower case changes the length of some letters
    let unit = words ? this.text.indexOf(words, this.toUnit(after)) : -1;
    if (unit < 0 && words) unit = this.text.indexOf(words);
    return unit < 0 ? null : [this.toPoint(unit), this.toPoint(unit + words.length)];
  }
}

function astralUnits(text) {
  const units = [];
  for (let k = 0; k < text.length; k++) {
    if (text.codePointAt(k) > 0xffff) units.push(k++);
  }
  return units;
}

function wordEdges(text) {
  const starts = [], ends = [];
  for (const found of text.matchAll(WORD)) {
    starts.push(found.index);
    ends.push(found.index + found[0].length);
  }
  return [starts, ends];
}
