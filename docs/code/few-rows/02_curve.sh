textgraft curve few.txt --methods ngrams
