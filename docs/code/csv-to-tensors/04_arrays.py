print(shown.ids)
print(shown.mask)
start, stop = shown.spans[3]
print(shown.tokens[3], "is", shown.text[start:stop])
