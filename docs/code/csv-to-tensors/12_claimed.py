for name, splits in {"random": leaking, "clean": clean}.items():
    model = tg.NgramClassifier().fit(splits.train)
    result = tg.evaluate(model, splits.test)
    print(f"{name:7} accuracy {result.metrics['accuracy']}", end="")
    print(f"   macro-F1 {result.metrics['f1_macro']}")
    if result.seen.trained:
        seen = f"{result.seen.trained} tweets that stand in train word for word"
        print(f"        without the {seen}: {result.seen.unseen}")
