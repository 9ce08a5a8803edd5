"""Tables: CSV, TSV and Parquet by their columns; mentions and vocabularies in them."""
