textgraft train data/emotion/val.txt --test data/emotion/test.txt \
    --method features --out models/new --no-report
