right, task = splits.test.targets, splits.test.task
answers = model.predict_proba(splits.test.texts)
for name in "mean, linear", "n-grams":
    others = classifiers[name].predict_proba(splits.test.texts)
    print(f"better than {name:<12} by", tg.compare_paired(answers, others, right, task))
