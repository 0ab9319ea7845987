"""textgraft: from a table of labelled texts to a classifier you can trust, explain and ship."""
