"""From chunks of rows to texts, labels and parts: which columns these are, and what stands in their cells."""
