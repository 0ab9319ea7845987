class Spoken:
    name = "Spoken"

    def parameters(self, values):
        print("method:", values["method"])

    def metrics(self, rows):
        for _step, figures in rows:
            print("accuracy:", round(figures["test/accuracy"], 3))

    def file(self, path):
        print("file:", path)

    def end(self, *, failed):
        print("failed" if failed else "done")


with tg.track(Spoken()) as run:
    run.model(model)
    run.evaluation(tg.evaluate(model, splits.test))
