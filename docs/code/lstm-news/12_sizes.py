from pathlib import Path

import numpy as np

words = np.array(scratch.vocabulary_.words[2:])
has_vector, rows = tg.open_vectors("glove.6B.50d").find(words.tolist())
words, rows = words[has_vector], rows[has_vector]


def squeeze(rows, size):
    """The rows in the directions in which they differ most: a PCA."""
    rows = rows - rows.mean(axis=0)
    return rows @ np.linalg.svd(rows, full_matrices=False)[2][:size].T


def write(name, words, rows):
    lines = [
        " ".join([word, *map(str, row)]) for word, row in zip(words, rows.round(4))
    ]
    Path(f"{name}.txt").write_text("\n".join(lines))


write("glove-25", words, squeeze(rows, 25))
write("glove-10", words, squeeze(rows, 10))
write("glove-50-frequent", words[:2000], rows[:2000])
