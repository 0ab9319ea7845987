"""Results as sections of plain data, and how they are shown."""

from textgraft.report.section import Section

__all__ = ["Section"]
