import csv
import random
from pathlib import Path

import textgraft as tg

data = tg.read_table("data/emotion/train.txt")
labels = data.task.decode(data.targets)
chance = random.Random(0)
with Path("hurried.csv").open("w", newline="") as file:
    writer = csv.writer(file)
    writer.writerow(["text", "label_name"])
    for text, label in zip(data.texts, labels, strict=True):
        wrong = chance.random() < 0.4
        writer.writerow([text, chance.choice(data.task.labels) if wrong else label])
