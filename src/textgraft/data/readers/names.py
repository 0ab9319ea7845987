"""What the names of columns say: which mean text, a label, a number for each row, a split."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from functools import lru_cache


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


TEXT = _set(
    "text texts txt message msg tweet review content body sentence comment document doc post utterance "
    "article passage paragraph snippet transcript note narrative complaint query question prompt "
    "description abstract overview synopsis selftext story lyrics plot email sms reviewtext"
)
"""Columns named so hold texts."""

TITLE = _set("title headline subject heading")
BODY = _set("body description abstract overview synopsis content article text selftext story review message summary")
"""A title is joined with a body."""

LABEL = _set("label labels class classes target targets y")
TOPIC = _set(
    "sentiment emotion emotions category categories topic topics intent intents tag tags genre genres "
    "polarity stance stars rating section department spam sarcasm toxicity mood feeling annotation "
    "verdict gold"
)
PLURAL = _set("labels classes targets emotions categories topics intents tags genres")

SPLIT = _set("split partition subset")
_FOLD = _set("fold splits folds")
_ID = _set("id ids idx index uuid guid key rowid url link href uri hash file filename path")
_WHEN = _set("date time datetime timestamp created year month day")
_ABOUT = _set("is has was retweet retweeted verified truncated favorited deleted")

_ELSEWHERE = _set(
    "kommentar kommentare bewertung rezension nachricht beitrag satz inhalt titel betreff beschreibung "
    "bemerkung rückmeldung frage antwort klasse kategorie thema stimmung etikett datum texte commentaire avis "
    "contenu titre étiquette classe catégorie sujet réponse remarque texto comentario reseña mensaje opinión "
    "contenido título etiqueta clase categoría tema sentimiento fecha pregunta respuesta testo commento "
    "recensione messaggio etichetta categoria titolo comentário mensagem conteúdo rótulo avaliação tekst "
    "bericht opmerking komentarz opinia etykieta kategoria metin yorum etiket kategori текст комментарий "
    "отзыв сообщение метка класс категория тема дата вопрос ответ тональность оценка 文本 评论 評論 内容 內容 "
    "标签 標籤 类别 類別 分类 情感 标题 評價 评价 日期 テキスト コメント 本文 レビュー ラベル カテゴリ 感情 "
    "分類 タイトル 텍스트 댓글 리뷰 내용 라벨 레이블 카테고리 감정 제목 نص تعليق تصنيف पाठ टिप्पणी"
)
_ALSO = _set(
    "response answer feedback remark remarks opinion comments reviews messages tweets notes name user author username "
    "language lang source score value count timestamp respondent"
)
"""Words of headers in other languages, and of columns that are neither text nor label: they only tell a header."""

_KNOWN = TEXT | TITLE | LABEL | TOPIC | SPLIT | _ID | _WHEN | _ELSEWHERE | _ALSO
_SPELLED = re.compile(r"[^\W_]+(_[^\W_]+)+|[a-z]+[a-z0-9]*([A-Z][a-z0-9]+)+|[A-Za-z]{1,3}\d{1,3}(_\w+)?")
_LONGEST = 200  # characters; what is longer is no name, and would take long to compare
_ENDS = " \t\r\n\"'\u00a0\u200b\u200c\u200d\u2060\ufeff"


def words(name: str) -> list[str]:
    """The lower-case words of a column name: ``"reviewText"`` and ``"review_text"`` both give two."""
    parted = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", name)
    return re.findall(r"[^\W_]+", parted.lower())


def whole(name: str) -> str:
    """The name in lower case without what is not a letter or digit at its ends."""
    return "_".join(words(name))


def is_split(name: str) -> bool:
    """Whether a column is named as one that says which part of the data a row belongs to, or which fold."""
    parts = words(name)
    return len(parts) <= 2 and bool((SPLIT | _FOLD).intersection((*parts[:1], *parts[-1:])))


def is_identifier(name: str) -> bool:
    """Whether a column is named as one that numbers or locates its rows."""
    parts = words(name)
    return not parts or parts[-1] in _ID or parts[0] == "unnamed" or bool(re.fullmatch(r"\w+(id|ID)", name.strip()))


def is_moment(name: str) -> bool:
    """Whether a column is named as a time."""
    return bool(_WHEN.intersection(words(name)))


def is_about(name: str) -> bool:
    """Whether a column of 0 and 1 is named as a property of the row, not as a label."""
    return bool(_ABOUT.intersection(words(name)[:1]))


def is_known(name: str) -> bool:
    """Whether a cell reads as the name of a column that tables of texts have."""
    return len(name) <= 40 and _is_known(name)


@lru_cache(1 << 12)
def _is_known(name: str) -> bool:
    if len(name.split()) > 2:
        return False
    parts = words(name)
    few = 0 < len(parts) <= 3
    return whole(name) in _KNOWN or name.lower() in _KNOWN or (few and parts[-1] in _KNOWN)


def is_text_name(name: str) -> bool:
    """Whether a cell is one word that names a column of texts, in any language and case."""
    return name.lower() in TEXT or name.lower() in _ELSEWHERE


def is_label_name(name: str) -> bool:
    """Whether a cell is one word that names a column of labels, in any language and case."""
    return name.lower() in LABEL or name.lower() in TOPIC or name.lower() in _ELSEWHERE


def is_spelled_as_name(name: str) -> bool:
    """Whether a cell is spelled as programs spell names: ``tweet_text``, ``tweetText``, ``Q1``."""
    return len(name) <= _LONGEST and bool(_SPELLED.fullmatch(name)) and not name.isdigit()


def normal(name: str) -> str:
    """A name as it is compared: without blanks, marks and quotes that files leave at its ends, in one case."""
    return name.strip(_ENDS).casefold()


def are_same(row: Sequence[str], other: Sequence[str]) -> bool:
    """Whether two rows hold the same names; told at the first cell that differs, for rows may be very wide."""
    return len(row) == len(other) and all(normal(cell) == normal(also) for cell, also in zip(row, other, strict=True))


def is_shared(name: str, names: Collection[str]) -> bool:
    """Whether a name is one of some names, but for its case and what stands at its ends."""
    return normal(name) in map(normal, names)
