import numpy as np

lengths = np.array([len(encoder.tokenize(text)) for text in data.texts])
print("tokens of a tweet: median", int(np.median(lengths)), "longest", lengths.max())
print("cut at   tweets cut   places that are padding")
for most in (16, 32, 64, 128):
    padding = 1 - np.minimum(lengths, most).mean() / most
    print(f"{most:6}   {(lengths > most).mean():10.1%}   {padding:23.1%}")
