"""A model in a browser: the page, what it must know besides the model's files, and what computes networks there."""

from textgraft.web.characters import word_tables
from textgraft.web.npm import onnxruntime_files
from textgraft.web.page_files import FILE, write_page
from textgraft.web.tokenizer import wordpiece_tables

__all__ = ["FILE", "onnxruntime_files", "word_tables", "wordpiece_tables", "write_page"]
