import csv

import textgraft as tg

texts = tg.read_table("data/emotion/train.txt").texts
with open("millions.csv", "w", newline="", encoding="utf-8") as file:
    rows = csv.writer(file)
    rows.writerow(["id", "text"])
    rows.writerows((i, texts[i % len(texts)]) for i in range(20 * len(texts)))
