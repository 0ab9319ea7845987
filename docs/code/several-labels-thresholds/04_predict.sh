textgraft train data/semeval2018_ec/train.tsv --thresholds label --test-size 0 --out models/emotions
textgraft predict models/emotions "so glad this is over, I could cry" --all
