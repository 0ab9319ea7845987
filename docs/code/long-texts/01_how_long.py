import textgraft as tg

reviews = tg.read_table("data/imdb/train.parquet")
some = reviews.select(range(0, len(reviews), max(1, len(reviews) // 800)))
splits = tg.split(some, seed=0)
words = sorted(len(text.split()) for text in some.texts)
print(f"{len(some):,} reviews; half have more than {words[len(words) // 2]} words, a tenth more than {words[-len(words) // 10]}")
