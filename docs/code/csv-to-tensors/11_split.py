clean = tg.split(data, valid=0, test=0.2, seed=0)
for note in clean.notes:
    print(note)
print(tg.given_splits(clean.train, test=clean.test).leaks)
