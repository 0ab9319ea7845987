for name in ("glove-25", "glove-10", "glove-50-frequent", "minilm-384", "minilm-50"):
    covered = tg.vector_coverage(scratch.vocabulary_, f"{name}.txt")
    print(f"{name}: {covered.share_of_tokens:.1%} of the running words")
    model = tg.RecurrentClassifier(**settings, vectors=f"{name}.txt")
    show(name, model.fit(splits.train))
