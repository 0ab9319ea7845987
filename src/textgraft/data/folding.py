"""Folding: two texts that differ only in case, white space, links or user names become one string."""

from __future__ import annotations

import re
import unicodedata

URL = re.compile(r"https?://\S*|www\.\S+|\bhttps?\.\.\.")
USER = re.compile(r"(?<!\w)@\w+")
RETWEET = re.compile(r"(?:rt\b\s*(?:@\w+)?\s*:?\s*)+")


def fold(text: str) -> str:
    """The text without what people change when they repeat it.

    Unicode compatibility forms are unified (NFKC), case is folded, links, user names (``@name``) and a leading ``RT``
    marker are taken out, and white space becomes single spaces. A text of nothing but links and names keeps them,
    since otherwise all such texts would become one.
    """
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
    plain = " ".join(plain.casefold().split())
    folded = plain
    # The tests are far cheaper than the substitutions, and most texts of most tables have none of these.
    if folded.startswith("rt") and (match := RETWEET.match(folded)):
        folded = folded[match.end() :]
    if "http" in folded or "www." in folded:
        folded = URL.sub(" ", folded)
    if "@" in folded:
        folded = USER.sub(" ", folded)
    return " ".join(folded.split()) or plain
