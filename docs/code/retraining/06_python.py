new, old = tg.load("models/new"), tg.load("models/in-use")
rows = tg.read_table("data/emotion/test.txt")
found = tg.compare_with(new, old, rows, metric="macro-F1")
print(found.is_worse, found.test.difference, found.detectable)
