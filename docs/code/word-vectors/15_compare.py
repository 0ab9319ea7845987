print("On the transformer:", tg.evaluate(reader, asked))
show(reader)
