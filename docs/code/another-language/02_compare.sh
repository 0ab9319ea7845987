textgraft compare opiniones.csv --methods ngrams,features --encoder auto
