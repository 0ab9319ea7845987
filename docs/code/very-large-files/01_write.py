import csv
from pathlib import Path

import textgraft as tg

TIMES = 20

texts = tg.read_table("data/emotion/train.txt").texts
with Path("large.csv").open("w", newline="", encoding="utf-8") as file:
    rows = csv.writer(file)
    rows.writerow(["id", "text"])
    rows.writerows(enumerate(texts * TIMES))
