model.save("models/gru")
print(tg.load("models/gru").predict(sentences))
