textgraft curve few.txt --methods features
