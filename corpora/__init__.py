"""The corpora that may be shipped, a folder each, and what generates the synthetic ones."""
