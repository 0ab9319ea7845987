textgraft train tweets.txt --test data/emotion/test.txt --method features --out models/features
textgraft export models/features
textgraft predict models/features "i feel like a new person"
