for name, splits in {"random": leaking, "clean": clean}.items():
    result = tg.evaluate(tg.NgramClassifier().fit(splits.train), splits.test)
    print(f"{name:6} accuracy {result.metrics['accuracy']}")
    print(f"       macro-F1 {result.metrics['f1_macro']}")
    if result.seen.trained:
        print(
            f"       without {result.seen.trained} texts of train {result.seen.unseen}"
        )
