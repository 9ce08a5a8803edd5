"""Notes: one file per format, and the doors that read and write them all."""
