"""Words: tokenising, vocabularies, word vectors, and hashing and counting n-grams, a batch of texts at a time."""
