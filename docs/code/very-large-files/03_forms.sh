gzip --keep large.csv
textgraft predict models/emotion --input large.csv.gz --output labels.jsonl.gz --keep id
gunzip --stdout labels.jsonl.gz | head -n 2
