by_rows = sorted(evaluation.per_label.items(), key=lambda item: -item[1]["support"])
for name, figures in by_rows:
    print(f"{name:12} {figures['support']:4} tweets   F1 {figures['f1']}")
print("mean of these, macro-F1:      ", evaluation.metrics["f1_macro"])
print("all decisions in one, micro-F1:", evaluation.metrics["f1_micro"])
