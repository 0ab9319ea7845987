for step in model.history_:
    if "score" in step:
        print(f"epoch {step['epoch']}: validation accuracy {step['score']:.3f}")
model.plot_training().save("images/training.svg")
