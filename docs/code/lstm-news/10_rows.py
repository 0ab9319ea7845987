from sklearn.base import clone

for share in (4, 2):
    part = splits.train.select(range(0, len(splits.train), share))
    for name, model in (("scratch", scratch), ("GloVe", glove)):
        show(f"{name}, {len(part):,} rows", clone(model).fit(part))
