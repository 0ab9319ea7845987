textgraft drift models/shipped data/semeval2018_ec/dev.tsv --text Tweet
