"""Itemsets, co-occurrence rules and interaction signals, with honest statistics."""
