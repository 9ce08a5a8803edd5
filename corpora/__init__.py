"""The corpora that may be shipped, a folder each, and what makes some of them."""
