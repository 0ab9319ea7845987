inputs, labels = network.train_batches[0]
for name, array in inputs.items():
    print(name, array.shape)
print("labels", labels.shape)
