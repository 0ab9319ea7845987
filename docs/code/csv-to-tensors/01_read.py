import textgraft as tg

data = tg.read_table("data/climate/tweets.csv")
print(data)
print(data.notes[0])
for label, rows in zip(data.task.labels, data.counts):
    print(f"{label:>2}  {rows:5,} tweets  {rows / len(data):5.1%}")
print(data.texts[0])
