import mlflow

[found] = mlflow.search_runs(experiment_names=["emotion"], output_format="list")
metrics, parameters = found.data.metrics, found.data.params
for name in ("train/loss", "valid/score", "test/accuracy_low", "test/accuracy"):
    print(f"{name:17} {metrics[name]:.3f}")
print(parameters["method"], parameters["hidden"], parameters["chosen/learning_rate"])
