import numpy as np

targets = np.asarray(train.targets, dtype=int)  # a row per tweet, a column per emotion
names = train.task.labels
print(targets.shape)
print(targets[0])
print([name for name, carried in zip(names, targets[0]) if carried])
