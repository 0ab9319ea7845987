textgraft train data/climate/tweets.csv --method ngrams --metric macro-F1 --out models/climate
