textgraft train data/semeval2018_ec/train.tsv --test data/semeval2018_ec/dev.tsv --out models/emotions
textgraft predict models/emotions "so glad this is over, I could cry" --all
