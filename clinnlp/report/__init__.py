"""Results as HTML, Markdown and CSV; nothing is computed here."""
