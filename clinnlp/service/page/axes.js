// What a note may say of a mention: by axis its key, its word, and its short sign.

export const AXES = {
  negated: ["n", "Negated", "neg"], uncertain: ["u", "Uncertain", "unc"], hypothetical: ["h", "Hypothetical", "hyp"],
  historical: ["p", "Past", "hx"], experiencer: ["f", "Family", "fam"],
};

// The signs of the axes that hold of a mention.
export function signsOf({ axes }) {
  return Object.entries(axes ?? {}).filter(([, value]) => value === true).map(([axis]) => AXES[axis]?.[2] ?? axis.slice(0, 3));
}
