textgraft export models/emotion --data data/emotion/val.txt
