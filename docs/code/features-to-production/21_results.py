print(f"{'':<16} {'accuracy':<20} weighted F1")
for name, result in results.items():
    accuracy, f1 = result.metrics["accuracy"], result.metrics["f1_weighted"]
    print(f"{name:<16} {accuracy!s:<20} {f1}")
