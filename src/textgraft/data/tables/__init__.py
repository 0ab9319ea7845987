"""Reading tables of every kind: files and objects to chunks of rows, columns to texts and labels."""
