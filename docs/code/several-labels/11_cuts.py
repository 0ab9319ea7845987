from textgraft.evaluation import evaluate_probabilities

print("cut   precision  recall  micro-F1  subset accuracy")
for cut in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7):
    m = evaluate_probabilities(probabilities, test.targets, test.task, thresholds=cut).metrics
    row = [m[metric].value for metric in ("precision_micro", "recall_micro", "f1_micro", "subset_accuracy")]
    print(f"{cut:.1f}   {row[0]:9.3f}  {row[1]:6.3f}  {row[2]:8.3f}  {row[3]:15.3f}")
