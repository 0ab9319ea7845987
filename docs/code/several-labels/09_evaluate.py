evaluation = tg.evaluate(model, test)
for metric in ("f1_micro", "f1_macro", "subset_accuracy", "roc_auc_micro", "roc_auc_macro"):
    print(f"{metric:16} {evaluation.metrics[metric]}   floor {evaluation.floor[metric].value:.3f}")
evaluation.plot_labels().save("images/labels.svg")
evaluation.plot_calibration().save("images/calibration.svg")
