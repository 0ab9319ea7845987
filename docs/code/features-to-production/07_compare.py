ladder = [
    tg.MajorityClassifier(),
    tg.NgramClassifier(),
    tg.FeatureClassifier(head="linear", neighbour_share=0),
    tg.FeatureClassifier(),
]
print(tg.compare(ladder, splits))
