encoder = tg.open_encoder("all-MiniLM-L6-v2", precision="fp32")
states = encoder.states(["It is warming", data.texts[0]])
print(states)
print("tokens of each text:", states.mask.sum(axis=1))
