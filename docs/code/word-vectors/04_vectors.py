vectors = tg.open_vectors("glove.6B.50d")
for word in ("film", "terrible", "good"):
    near = vectors.nearest(word, k=5)
    print(f"{word}:", ", ".join(f"{other} {cosine:.2f}" for other, cosine in near))

_, (good, bad) = vectors.find(["good", "bad"])
cosine = good @ bad / (good @ good * (bad @ bad)) ** 0.5
print(f"good and bad: {cosine:.2f}")
print(tg.vector_coverage(vocabulary, vectors))
