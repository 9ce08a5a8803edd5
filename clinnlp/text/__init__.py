"""Rules on text: sentences, sections, lookup, assertion, normalisation."""
