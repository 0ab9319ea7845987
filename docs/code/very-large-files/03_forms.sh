gzip --keep large.csv
textgraft predict models/emotion --input large.csv.gz --output labels.jsonl --keep id
head -n 2 labels.jsonl
