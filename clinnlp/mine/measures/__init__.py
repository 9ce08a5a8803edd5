"""Measures: small functions of counts, each with its interval, its formula and its paper."""
