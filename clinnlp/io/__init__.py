"""One file per format: paths to notes and tables, and back."""
