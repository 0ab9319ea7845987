textgraft inspect data/climate/tweets.csv --text message --label sentiment
