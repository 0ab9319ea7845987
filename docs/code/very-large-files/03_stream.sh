gzip -c millions.csv > millions.csv.gz
textgraft predict models/emotion --input millions.csv.gz --output labels.parquet --keep id
tail -n 5 millions.csv | textgraft predict models/emotion --input - --no-header
