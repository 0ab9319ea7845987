vectors = tg.open_vectors("glove.6B.50d")
for word in ("film", "terrible", "good"):
    near = vectors.nearest(word, k=5)
    print(f"{word}:", ", ".join(f"{other} {cosine:.2f}" for other, cosine in near))
print(tg.vector_coverage(vocabulary, vectors))
