encoder = tg.open_encoder("all-MiniLM-L6-v2")
shown = encoder.tokenize("Denialists mock #globalwarming 🌍 and decarbonisation")
print(shown)
