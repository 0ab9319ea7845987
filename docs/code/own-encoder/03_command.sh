head -n 200 data/semeval2018_ec/train.tsv > few.tsv
textgraft train few.tsv --method features --encoder models/tuned --test-size 0 --out models/few
