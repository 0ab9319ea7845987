textgraft train data/climate/tweets.csv --metric macro-F1 --out models/climate
