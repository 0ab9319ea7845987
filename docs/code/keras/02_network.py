EPOCHS = 2

train = tg.read_table("data/emotion/train.txt").sample(4_000)
valid = tg.read_table("data/emotion/val.txt")
test = tg.read_table("data/emotion/test.txt")

model = tg.FineTunedClassifier("all-MiniLM-L6-v2", batch_size=64)
network = as_keras(model, train, valid=valid)
print(f"{network.count_params():,} weights, {len(network.train_batches)} batches")
