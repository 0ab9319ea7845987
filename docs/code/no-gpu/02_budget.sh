textgraft train tweets.txt --test data/emotion/test.txt --budget 60s --out models/best
