short = encoder.tokenize("It is warming", max_tokens=12, long="truncate", pad=True)
print(short)
