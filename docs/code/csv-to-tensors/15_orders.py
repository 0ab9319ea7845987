model = tg.FineTunedClassifier("all-MiniLM-L6-v2", max_tokens=64, batch_size=32)
for order in ("rows", "training", "evaluation"):
    batches = model.batches(clean.train, order=order)
    print(f"{order:10} {len(batches):4} batches, {batches.padding:5.1%} padding")
    batches[len(batches) // 2].plot().save(f"images/{order}.svg")
