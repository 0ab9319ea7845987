evaluation = tg.evaluate(model, test)
for name in (
    "f1_micro",
    "f1_macro",
    "subset_accuracy",
    "roc_auc_micro",
    "roc_auc_macro",
):
    floor = evaluation.floor[name].value
    print(f"{name:16} {evaluation.metrics[name]}   floor {floor:.3f}")
evaluation.plot_labels().save("images/labels.svg")
evaluation.plot_calibration().save("images/calibration.svg")
