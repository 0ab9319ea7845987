from transformers import pipeline

classify = pipeline("text-classification", "models/emotion-both")
print(classify("I saw a movie today and it was really good."))
