all_words = scratch.vocabulary_.words[2:]
wide = tg.open_encoder("all-MiniLM-L6-v2").encode(all_words)
wide *= rows.std() / wide.std()
write("minilm-384", all_words, wide)
write("minilm-50", all_words, squeeze(wide, 50))
