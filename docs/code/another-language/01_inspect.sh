textgraft inspect opiniones.csv
