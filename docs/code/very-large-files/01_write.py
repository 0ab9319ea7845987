import csv

import textgraft as tg

TIMES = 20

texts = tg.read_table("data/emotion/train.txt").texts
with open("large.csv", "w", newline="", encoding="utf-8") as file:
    rows = csv.writer(file)
    rows.writerow(["id", "text"])
    rows.writerows(enumerate(texts * TIMES))
