textgraft train hurried.csv --test data/emotion/test.txt --out models/new --no-report > train.txt
textgraft check models/new --against models/in-use --data data/emotion/test.txt || echo "exit code $?"
