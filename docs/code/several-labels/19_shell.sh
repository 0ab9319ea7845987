textgraft predict models/emotions "They cancelled the concert again, what a disgrace"
textgraft evaluate models/emotions data/semeval2018_ec/dev.tsv --no-report
