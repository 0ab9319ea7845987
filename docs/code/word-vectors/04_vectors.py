vectors = tg.open_vectors("glove.6B.50d")
for word in ("film", "terrible", "good"):
    near = vectors.nearest(word, k=5)
    print(f"{word}:", ", ".join(f"{other} {cosine:.2f}" for other, cosine in near))

_, rows = vectors.find(["good", "nice", "bad"])
rows /= (rows**2).sum(axis=1, keepdims=True) ** 0.5
print("good and nice, good and bad:", (rows[0] @ rows[1:].T).round(2))
print(tg.vector_coverage(vocabulary, vectors))
