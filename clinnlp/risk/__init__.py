"""Risk models: naive Bayes, random forest, SVM; calibrated, explained, leak-proof."""
