encoder = tg.open_encoder("all-MiniLM-L6-v2")
print(encoder.tokenize("a waste of time"))
states = encoder.states(sentences)
print(states)

film = states.values[:3, states.tokens[0].index("film")]
film /= (film**2).sum(axis=1, keepdims=True) ** 0.5
for sentence, cosines in zip(sentences, film @ film.T):
    print(f"{sentence:24}", *(f"{cosine:.2f}" for cosine in cosines))
