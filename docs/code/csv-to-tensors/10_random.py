from sklearn.model_selection import train_test_split

rows = np.arange(len(data))
train_rows, test_rows = train_test_split(rows, test_size=0.2, random_state=1234)
leaking = tg.given_splits(data.select(train_rows), test=data.select(test_rows))
print(leaking.leaks[0])
