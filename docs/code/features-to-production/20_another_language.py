SPANISH = [
    "Hoy vi una película y me gustó mucho.",
    "Me da miedo volver sola a casa de noche.",
    "¡Qué rabia, otra vez llega tarde!",
    "Hoy me siento muy triste y sin ganas de nada.",
]
many = tg.FeatureClassifier("multilingual-e5-small").fit(splits.valid)
results["e5, 2,000 rows"] = tg.evaluate(many, splits.test)
print("English test rows:", results["e5, 2,000 rows"].metrics["accuracy"])

answers = zip(SPANISH, many.predict(SPANISH), model.predict(SPANISH), strict=True)
for text, answer, english in answers:
    print(f"{text:<46} {answer:<8} fine-tuned on English: {english}")
