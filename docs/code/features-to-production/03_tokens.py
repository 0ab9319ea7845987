TEXT = "I saw a movie today and it was really good."

encoder = tg.open_encoder("all-MiniLM-L6-v2")
print(encoder.tokenize(TEXT))
