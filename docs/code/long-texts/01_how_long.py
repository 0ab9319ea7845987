import textgraft as tg

REVIEWS = 400

reviews = tg.read_table("data/imdb/train.parquet")
step = max(1, len(reviews) // REVIEWS)
splits = tg.split(reviews.select(range(0, len(reviews), step)), seed=0)

words = sorted(len(text.split()) for text in splits.train.texts)
print(f"Half have over {words[len(words) // 2]} words, one has {words[-1]:,}.")
