small = tg.load("models/emotion", runtime="openvino")
results["int8"] = tg.evaluate(small, splits.test)
print("int8", results["int8"].metrics["accuracy"])

same = sum(map(str.__eq__, small.predict(test.texts), model.predict(test.texts)))
print(f"{same:,} of {len(test):,} answers are the same")
