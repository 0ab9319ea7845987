sentence = "I'm happy I can finally train a model for multi-label classification"
print(model.predict([sentence]))
chances = dict(zip(names, model.predict_proba([sentence])[0]))
print({name: f"{p:.2f}" for name, p in chances.items() if p > 0.1})
model.plot_probabilities(sentence).save("images/sentence.svg")
model.save("models/emotions")
