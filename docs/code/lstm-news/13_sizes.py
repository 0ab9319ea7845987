for name, file in files.items():
    print(tg.vector_coverage(scratch.vocabulary_, file))
    show(name, tg.RecurrentClassifier(**net_settings, vectors=file).fit(splits.train))
