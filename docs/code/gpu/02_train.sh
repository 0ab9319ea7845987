head -n 300 data/emotion/train.txt > tweets.txt
textgraft train tweets.txt --method finetune --epochs 1 --test-size 0 --out models/tuned
textgraft predict models/tuned "i feel like a new person"
