batch = bucketed[0]
print(batch)
print(batch.lengths[:8].tolist(), batch.labels[:8].tolist())
print(*batch.tokens[0][:16])
