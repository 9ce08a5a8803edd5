"""The nouns of clinnlp: standard library, numpy and scipy only."""
