for name, threshold in zip(names, model.thresholds_):
    print(f"{name:12} {threshold:.2f}")
