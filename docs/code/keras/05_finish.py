network.finish()
print(tg.evaluate(model, test))
