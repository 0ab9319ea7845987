longest = data.texts[int(lengths.argmax())]
print(encoder.tokenize(longest, max_tokens=24, long="truncate").cut)
windows = encoder.tokenize(longest, max_tokens=64).windows
print("windows of 64 tokens:", windows)
