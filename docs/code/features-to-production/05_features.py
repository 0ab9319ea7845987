vectors = encoder.encode(splits.train.texts)
print(vectors.shape, vectors.dtype)
