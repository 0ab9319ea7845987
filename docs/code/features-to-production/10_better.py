right, task = splits.test.targets, splits.test.task
answers = model.predict_proba(splits.test.texts)
for name in "mean, linear", "n-grams":
    others = classifiers[name].predict_proba(splits.test.texts)
    paired = tg.compare_paired(answers, others, right, task)
    print(f"better than {name:<12} by {paired.difference}, p = {paired.p_value:.4f}")
