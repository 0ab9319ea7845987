from transformers import pipeline

classifier = pipeline("text-classification", "models/emotion", top_k=None)
for answer in classifier([TEXT])[0]:
    print(f"{answer['label']:>8} {answer['score']:.4f}")
