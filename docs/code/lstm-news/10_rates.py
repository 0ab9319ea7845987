from sklearn.base import clone

for decay in ("none", "linear", "cosine"):
    show(f"decay {decay}", clone(glove).set_params(decay=decay).fit(splits.train))
for clip in (0.1, 1.0, 1e9):
    show(f"clip {clip:g}", clone(glove).set_params(clip=clip).fit(splits.train))
