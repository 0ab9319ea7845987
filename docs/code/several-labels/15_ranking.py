from sklearn.metrics import roc_auc_score

print(
    f"ROC-AUC of the probabilities {roc_auc_score(truth, probabilities, average='micro'):.3f}"
)
print(
    f"ROC-AUC of the decisions     {roc_auc_score(truth, given, average='micro'):.3f}"
)
recall = given[truth].mean()
specificity = 1 - given[~truth].mean()
print(f"(recall + specificity) / 2   {(recall + specificity) / 2:.3f}")
