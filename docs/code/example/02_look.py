print(train.texts[0])
