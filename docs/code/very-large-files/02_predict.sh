textgraft train data/emotion/train.txt --test data/emotion/test.txt --out models/emotion > train.log
textgraft predict models/emotion --input large.csv --output labels.csv --keep id --jobs 2 --resume
head -n 3 labels.csv
