from sklearn.metrics import roc_auc_score

truth = np.asarray(test.targets)
print(
    "ROC-AUC of the probabilities:",
    round(roc_auc_score(truth, probabilities, average="micro"), 3),
)
print(
    "ROC-AUC of the decisions:    ",
    round(roc_auc_score(truth, given, average="micro"), 3),
)
recall = given[truth].mean()
specificity = 1 - given[~truth].mean()
print("(recall + specificity) / 2:  ", round((recall + specificity) / 2, 3))
