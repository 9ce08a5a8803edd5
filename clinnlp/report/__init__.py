"""Reports a person wants to read: blocks in, one HTML page, Markdown or CSV out."""
