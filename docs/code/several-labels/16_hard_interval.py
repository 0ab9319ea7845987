hard = evaluate_probabilities(given.astype(float), test.targets, test.task)
print("with its interval:", hard.metrics["roc_auc_micro"])
for cut in (0.1, 0.2, 0.3, 0.5):
    print(
        f"cut {cut}: {roc_auc_score(truth, probabilities >= cut, average='micro'):.3f}"
    )
