show("decay none", clone(glove).set_params(decay="none").fit(splits.train))
show("clip 0.1", clone(glove).set_params(clip=0.1).fit(splits.train))
show("clip 1,000,000", clone(glove).set_params(clip=1e6).fit(splits.train))
