print("On the transformer:", tg.evaluate(reader, splits.test.sample(ROWS)))
show(reader)
