words = scratch.vocabulary_.words[2:]
wide = tg.open_encoder("all-MiniLM-L6-v2").encode(words)
wide *= matrix[known].std() / wide.std()
write("minilm-384d", words, wide)
write("minilm-50d", words, squeeze(wide, 50))
