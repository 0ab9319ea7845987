textgraft train data/emotion/train.txt --test data/emotion/test.txt --out models/emotion --no-report
textgraft predict models/emotion --input millions.csv --output labels.csv --keep id --jobs 2 --resume
head -n 3 labels.csv
