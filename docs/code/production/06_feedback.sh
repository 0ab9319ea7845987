textgraft feedback export corrections.sqlite corrections.csv
cat corrections.csv
