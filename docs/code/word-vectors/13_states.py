encoder = tg.open_encoder("all-MiniLM-L6-v2")
print(encoder.tokenize("a waste of time"))
states = encoder.states(sentences)
print(states)

film = states.values[:3, states.tokens[0].index("film")]
film /= (film**2).sum(axis=1, keepdims=True) ** 0.5
print("film beside film:", (film @ film.T).round(2).tolist())
