"""Whole flows, one per file: the only place where rooms meet."""
