textgraft train data/emotion/train.txt --test data/emotion/test.txt --out models/in-use --no-report
