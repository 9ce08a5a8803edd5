"""Reading a BERT fast on a CPU: no padding, a batch for each thread, 8- and 16-bit integers."""
