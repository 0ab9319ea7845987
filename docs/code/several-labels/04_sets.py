known = {tuple(row) for row in targets}
new = [row for row in np.asarray(test.targets, dtype=int) if tuple(row) not in known]
print(f"{2 ** len(names):,} sets are possible, {len(known):,} stand in train")
print(
    f"{len(new):,} of {len(test):,} test tweets carry a set that train has never shown"
)
