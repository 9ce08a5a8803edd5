"""Signals: drug → event, and drug + drug → event, screened over all candidates."""
