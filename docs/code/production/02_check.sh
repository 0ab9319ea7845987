textgraft check models/new pairs.csv --save || echo "not to be released"
