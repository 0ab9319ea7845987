model.fit(splits.train)
print(*model.notes_, sep="\n")
