import textgraft as tg

opinions = tg.read_table("opiniones.csv")
for name in ("all-MiniLM-L6-v2", "multilingual-e5-small"):
    encoder = tg.open_encoder(name)
    tokens = [len(encoder.tokenize(text).ids) for text in opinions.texts]
    mean = sum(tokens) / len(tokens)
    print(f"{name:<22} {encoder.width} components, {mean:.1f} tokens a text")
print(tg.open_encoder("all-MiniLM-L6-v2").tokenize("La paella estaba riquísima."))
print(tg.open_encoder("multilingual-e5-small").tokenize("La paella estaba riquísima."))
