from sklearn.base import clone

for rows in (2_500, 5_000):
    part = splits.train.sample(rows)
    for name, model in (("scratch", scratch), ("GloVe", glove)):
        show(f"{name}, {len(part):,} rows", clone(model).fit(part))
