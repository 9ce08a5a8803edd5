// How a label looks: a colour, a kind of line, and a short name, so that none rests on colour alone.

const N_COLOURS = 8, N_LINES = 4, SHORTEST = 3;

// Return a function from a label to {style, short}.
export function looksOf(labels) {
  const looks = new Map(labels.map((label, k) => [label, {
    style: `c${k % N_COLOURS} u${(k + Math.floor(k / N_COLOURS)) % N_LINES}`, short: shortName(label, labels),
  }]));
  return (label) => {
    if (!looks.has(label)) looks.set(label, { style: `c${N_COLOURS - 2} u0`, short: label.slice(0, SHORTEST) });
    return looks.get(label);
  };
}

// The shortest beginning that no other label has.
function shortName(label, labels) {
  const others = labels.filter((other) => other !== label);
  for (let n = SHORTEST; n < label.length; n++) {
    if (!others.some((other) => other.slice(0, n) === label.slice(0, n))) return label.slice(0, n);
  }
  return label;
}
