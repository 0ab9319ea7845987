"""Words: splitting texts into tokens, and hashing and counting n-grams, a batch at a time."""
