"""A scripted annotator who turns suggestions into gold by keys alone.

He sees what a person sees: the text, the suggestions, and which one is selected. Words and steps
are found here by rules written anew, so that a fault of the page shows as another corpus.
"""

import random
from dataclasses import dataclass, field

from regex import findall, finditer

WORD = r"[\p{L}\p{N}\p{M}]+|[^\s\ufeff\p{L}\p{N}\p{M}]"  # U+FEFF is space there
SHORT = 400
LABELS = ("Drug", "Problem")  # of the tests' projects: keys 1 and 2


@dataclass
class Typist:
    """What he makes of one note; `keys` are typed as he goes."""

    text: str
    gold: list  # (start, end, label)
    given: dict  # name → [start, end, label]
    wanted: dict  # name → (start, end, label), or None for one that is wrong
    keys: list = field(default_factory=list)

    def __post_init__(self):
        found = [one.span() for one in finditer(WORD, self.text)]
        self.edges = {"start": [a for a, _ in found], "end": [b for _, b in found]}
        cuts = [0]
        for letter in findall(r"\X", self.text):
            cuts.append(cuts[-1] + len(letter))
        self.cuts = cuts

    def type(self):
        """Return the keys from the first suggestion to the end of the note."""
        now = self.order()[0] if self.given else None
        opened = set(self.given)
        while now is not None:
            self.judge(now)
            opened.discard(now)
            now = self.following(now, opened)
        kept = [self.wanted[name] for name in self.given if self.wanted[name]]
        for one in kept:
            self.gold.remove(one)
        for one in self.gold:
            self.add(*one)
        return [*self.keys, "Control+Enter"]

    def order(self):
        return sorted(
            self.given, key=lambda name: (self.given[name][0], -self.given[name][1], name)
        )

    def following(self, now, opened):
        order = self.order()
        at = order.index(now)
        return next((name for name in order[at + 1 :] + order[:at] if name in opened), None)

    def judge(self, name):
        have, want = self.given[name], self.wanted[name]
        if want is None:
            self.keys.append("x")
            return
        if have[2] != want[2]:
            self.keys.append(str(LABELS.index(want[2]) + 1))
        self.stretch(have, want)
        have[:] = want
        self.keys.append("Enter")

    def stretch(self, have, want):
        """Grow before shrinking, so that no mention is ever empty."""
        sides = [(0, "start", "qw"), (1, "end", "er")]
        for k, edge, keys in sorted(sides, key=lambda side: side[0] != (want[1] > have[1])):
            while have[k] != want[k]:
                step = 1 if want[k] > have[k] else -1
                there = self.beyond(self.edges[edge], have[k], step)
                if there is None or (there - want[k]) * step > 0:
                    self.keys.append("Shift+" + keys[step > 0])
                    have[k] = self.beyond(self.cuts, have[k], step)
                else:
                    self.keys.append(keys[step > 0])
                    have[k] = there

    @staticmethod
    def beyond(places, point, step):
        if step > 0:
            return next((place for place in places if place > point), None)
        return next((place for place in reversed(places) if place < point), None)

    def add(self, start, end, label):
        """Select the words, and give them their label."""
        self.keys.append("Control+Home")
        (self.walk if len(self.text) < SHORT else self.find)(start, end)
        self.keys.append(str(LABELS.index(label) + 1))

    def walk(self, start, end):
        """Go there letter by letter."""
        n_before, n_up_to = self.cuts.index(start), self.cuts.index(end)
        self.keys += ["ArrowRight"] * n_before + ["Shift+ArrowRight"] * (n_up_to - n_before)

    def find(self, start, end):
        """Find the words from the top of the note, as often as they stand before."""
        words, plain = self.text[start:end], self.text.lower()
        sought = words.lower() if len(plain) == len(self.text) else words
        plain = plain if len(plain) == len(self.text) else self.text
        place = -1
        while place < start:
            place = plain.find(sought, 0 if place < 0 else place + len(sought))
            assert place >= 0, "only found where it overlaps itself"
            self.keys += ["/", ("type", words), "Enter"]
        assert place == start


def suggestions(text, gold, seed):
    """Return suggestions with faults, and what each should become: right ones are the most."""
    drawn = random.Random(seed)
    words = [one.span() for one in finditer(WORD, text)]
    given, wanted = {}, {}
    for k, (start, end, label) in enumerate(gold):
        kind = drawn.choices(["right", "label", "place", "missing"], [6, 1, 2, 1])[0]
        if kind == "missing":
            continue
        made = [start, end, label]
        if kind == "label":
            made[2] = LABELS[label == LABELS[0]]
        if kind == "place":
            near = [pair for pair in words if abs(pair[0] - start) < 30 or abs(pair[1] - end) < 30]
            made[0] = drawn.choice([start, *(a for a, _ in near if a < end)])
            made[1] = drawn.choice([end, *(b for _, b in near if b > made[0])])
        given[f"T{k}"], wanted[f"T{k}"] = made, (start, end, label)
    for k in range(2):
        a, b = drawn.choice(words)
        given[f"W{k}"], wanted[f"W{k}"] = [a, b, drawn.choice(LABELS)], None
    return given, wanted


__all__ = ["LABELS", "Typist", "suggestions"]
