nothing = np.zeros_like(probabilities)
silent = evaluate_probabilities(nothing, test.targets, test.task).metrics
for metric in ("hamming_loss", "f1_micro", "subset_accuracy"):
    print(f"{metric:16} never any emotion {silent[metric].value:.3f}   the model {evaluation.metrics[metric].value:.3f}")
