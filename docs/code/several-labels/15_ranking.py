from sklearn.metrics import roc_auc_score

area = roc_auc_score(truth, probabilities, average="micro")
print(f"ROC-AUC of the probabilities {area:.3f}")
print(
    f"ROC-AUC of the decisions     {roc_auc_score(truth, given, average='micro'):.3f}"
)
recall, specificity = given[truth].mean(), 1 - given[~truth].mean()
print(f"(recall + specificity) / 2   {(recall + specificity) / 2:.3f}")
