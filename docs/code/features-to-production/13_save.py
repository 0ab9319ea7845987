model.save("models/emotion")
again = tg.load("models/emotion")
print(again.predict([TEXT]))
