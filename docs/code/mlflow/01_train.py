import os

import textgraft as tg

os.environ["MLFLOW_TRACKING_URI"] = "sqlite:///runs.db"
os.environ["MLFLOW_EXPERIMENT_NAME"] = "emotion"

data = tg.read_table("data/emotion/val.txt")
splits = tg.split(data)

with tg.track("mlflow", name="gru") as run:
    model = tg.RecurrentClassifier(hidden=32, epochs=10)
    model.fit(splits.train, valid=splits.valid)
    run.model(model)
    run.evaluation(tg.evaluate(model, splits.test))
    run.file(model.save("models/emotion") / "README.md")
