"""Where tables are, and their bytes: paths, patterns, pipes, addresses, the Hub; packings; which format a file has."""
