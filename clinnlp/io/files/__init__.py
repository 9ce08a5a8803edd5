"""Files as bytes, lines, and streams of JSON or XML: what stands below every format."""
