probabilities = model.predict_proba(splits.valid.texts)
labels = tg.find_label_errors(splits.valid, probabilities=probabilities)
print(f"{len(labels.suspects)} of {labels.rows:,} labels look wrong:", labels.share)
for row in labels.suspects[:8]:
    print(
        f"{row.given[0]:>8} -> {row.suggested[0]:<8} {row.chance:.3f}  {row.text[:60]}"
    )
