model = tg.FineTunedClassifier("all-MiniLM-L6-v2", max_tokens=64, batch_size=4)
training = model.batches(clean.train, order="training")
print(training)
batch = training[0]
print(batch)
print(batch.ids)
print(batch.mask)
print(batch.labels, [data.task.labels[i] for i in batch.labels])
