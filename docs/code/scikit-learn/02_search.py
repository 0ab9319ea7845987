from sklearn.model_selection import GridSearchCV

grid = {"words": [(1, 1), (1, 2)], "class_weight": [None, "balanced"]}
search = GridSearchCV(tg.NgramClassifier(), grid, cv=3).fit(texts, labels)
print(search.best_params_, round(search.best_score_, 3))
