"""Itemsets: which items stand together often, counted exactly, by one of several engines."""
