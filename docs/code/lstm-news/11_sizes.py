import numpy as np

words = scratch.vocabulary_.words[2:]
known, matrix = tg.open_vectors("glove.6B.50d").find(words)
words = [word for word, is_known in zip(words, known) if is_known]
files = {}


def write(name, words, rows):
    files[name] = f"{name}.txt"
    with open(files[name], "w") as file:
        for word, row in zip(words, rows):
            print(word, *(f"{value:.4f}" for value in row), file=file)


def squeeze(rows, size):
    """The `size` directions in which the rows differ most: a PCA."""
    rows = rows - rows.mean(axis=0)
    return rows @ np.linalg.svd(rows, full_matrices=False)[2][:size].T


write("glove-50d", words, matrix[known])
write("glove-25d", words, squeeze(matrix[known], 25))
write("glove-10d", words, squeeze(matrix[known], 10))
write("glove-50d-frequent", words[:2000], matrix[known][:2000])
