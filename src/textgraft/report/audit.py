"""An audit as sections: a table for each subject with a column per part of the data, then what to do."""

from __future__ import annotations

import re

from textgraft.data.audit import Audit, Finding
from textgraft.report.section import Report, Section

MARKS = {"fact": "", "look": "?", "warning": "!"}
COUNT = re.compile(r"[\d,.]+%?( \([\d.]+%\))?")  # and its share


def audit_report(title: str, audit: Audit) -> Report:
    """The report on a table before anything is trained on it; what to do comes last, the most serious first, and
    the commands that go on from here."""
    subjects: dict[str, list[Finding]] = {}
    for finding in audit.findings:
        subjects.setdefault(finding.section, []).append(finding)
    tables = [_table(subject, findings, tuple(audit.parts)) for subject, findings in subjects.items()]
    return Report(title, (*tables, Section("What to do", sentences=audit.advice), Section("Next", commands=audit.next)))


def _table(subject: str, findings: list[Finding], parts: tuple[str, ...]) -> Section:
    # What is about all of the data has one value; a section of nothing else needs no column per part.
    if all(len(finding.values) == 1 for finding in findings):
        parts = ("",)
    marked = any(MARKS[finding.level] for finding in findings)
    rows = []
    for finding in findings:
        mark = (MARKS[finding.level],) if marked else ()
        values = finding.values if len(finding.values) == len(parts) else finding.values[:1]
        rows.append((finding.what, *mark, *values, *[""] * (len(parts) - len(values))))
    columns = (subject, *(("",) if marked else ()), *parts)
    numbers = (i for i in range(len(columns)) if all(COUNT.fullmatch(row[i]) for row in rows))
    return Section("", columns, tuple(rows), numbers=tuple(numbers))
