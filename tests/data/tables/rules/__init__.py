"""The rules by which tables are read, each a sentence with examples: what `docs/tables.md` shows and the tests hold.

A file of this folder is a chapter of that page: its docstring is the chapter's title and first paragraph, and its
``RULES`` are its rules. `python tests/data/tables/write_page.py` writes the page anew.
"""
