"""Fine-tuning and extraction with BERT encoders."""
