"""Results as sections of plain data, and how they are shown: in a terminal, as Markdown, as a page of HTML."""

from textgraft.report.section import Report, Section

__all__ = ["Report", "Section"]
