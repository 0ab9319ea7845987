from sklearn.model_selection import GridSearchCV

search = GridSearchCV(tg.NgramClassifier(), {"words": [(1, 1), (1, 2), (1, 3)], "class_weight": [None, "balanced"]}, cv=3)
search.fit(texts, labels)
print(search.best_params_, round(search.best_score_, 3))
