"""A model in a browser: what a page must know besides the model's files, the page itself, and what computes networks."""

from textgraft.web.characters import word_tables
from textgraft.web.npm import onnxruntime_files
from textgraft.web.page_files import FILE, write_page
from textgraft.web.tokenizer import wordpiece_tables

__all__ = ["FILE", "onnxruntime_files", "word_tables", "wordpiece_tables", "write_page"]
