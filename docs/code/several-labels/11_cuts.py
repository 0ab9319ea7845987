from textgraft.evaluation import evaluate_probabilities

shown = ("precision_micro", "recall_micro", "f1_micro", "subset_accuracy")
print("cut", *shown)
for cut in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7):
    at = evaluate_probabilities(probabilities, truth, test.task, thresholds=cut)
    print(cut, *(f"{at.metrics[name].value:{len(name)}.3f}" for name in shown))
