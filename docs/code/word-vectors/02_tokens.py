review = "This film isn't bad.<br /><br />It's a WASTE of time, though!"
print(tg.tokenize(review))
