"""Tables and matrices from notes and events."""
