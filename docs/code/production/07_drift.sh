textgraft drift models/shipped data/ag_news/test.csv --text text
