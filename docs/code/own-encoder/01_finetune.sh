head -n 1000 data/emotion/train.txt > tweets.txt
textgraft train tweets.txt --method finetune --epochs 3 --test-size 0 --out models/tuned
