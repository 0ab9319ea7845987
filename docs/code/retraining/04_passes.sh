textgraft train data/emotion/train.txt --test data/emotion/test.txt --seed 1 --out models/new --no-report > train.txt
textgraft check models/new --against models/in-use --data data/emotion/test.txt && echo "exit code $?"
