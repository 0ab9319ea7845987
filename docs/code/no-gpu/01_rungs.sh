head -n 1000 data/emotion/train.txt > tweets.txt
textgraft compare tweets.txt --test data/emotion/test.txt --methods ngrams,features --out runs
