sentence = "I'm happy I can finally train a model for multi-label classification"
print(model.predict([sentence]))
model.plot_probabilities(sentence).save("images/sentence.svg")
model.save("models/emotions")
