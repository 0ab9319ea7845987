head -n 200 data/emotion/train.txt > few.txt
textgraft compare few.txt --methods ngrams,features --folds 5 --no-report --out runs
