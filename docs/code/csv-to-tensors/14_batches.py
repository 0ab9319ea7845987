model = tg.FineTunedClassifier("all-MiniLM-L6-v2", max_tokens=64, batch_size=4)
batch = model.batches(clean.train, order="rows")[0]
print(batch)
print(batch.ids[:, :6])
print(batch.ids[:, -6:])
print(batch.mask[:, -6:])
print(batch.labels, [data.task.labels[i] for i in batch.labels])
