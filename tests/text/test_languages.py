from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgraft.text.languages import _WORDS, NAMES, language_of, languages_of

# Written for this test; no sentence was looked at when the lists of words were made.
SENTENCES = {
    "ar": "لم أكن أعرف أن القطار يصل في هذا الوقت من الليل.",
    "bg": "Не знаех, че влакът пристига толкова късно през нощта и затова закъснях.",
    "cs": "Nevěděl jsem, že vlak přijíždí tak pozdě v noci, a proto jsem se opozdil.",
    "da": "Jeg vidste ikke, at toget kom så sent om natten, og derfor blev jeg forsinket.",
    "de": "Ich wusste nicht, dass der Zug so spät in der Nacht ankommt.",
    "el": "Δεν ήξερα ότι το τρένο φτάνει τόσο αργά τη νύχτα.",
    "en": "I did not know that the train arrives so late at night.",
    "es": "No sabía que el tren llega tan tarde por la noche.",
    "fa": "من نمی‌دانستم که قطار این‌قدر دیر در شب می‌رسد.",
    "fi": "En tiennyt, että juna saapuu niin myöhään yöllä, koska olin ulkomailla.",
    "fr": "Je ne savais pas que le train arrive si tard dans la nuit.",
    "he": "לא ידעתי שהרכבת מגיעה כל כך מאוחר בלילה.",
    "hi": "मुझे नहीं पता था कि ट्रेन रात में इतनी देर से आती है।",
    "hu": "Nem tudtam, hogy a vonat ilyen későn érkezik éjszaka.",
    "id": "Saya tidak tahu bahwa kereta itu tiba sangat larut malam.",
    "it": "Non sapevo che il treno arriva così tardi di notte.",
    "ja": "電車がこんなに遅く着くとは知りませんでした。",
    "ko": "기차가 밤에 그렇게 늦게 도착하는지 몰랐어요.",
    "nl": "Ik wist niet dat de trein zo laat in de nacht aankomt.",
    "pl": "Nie wiedziałem, że pociąg przyjeżdża tak późno w nocy.",
    "pt": "Eu não sabia que o trem chega tão tarde da noite.",
    "ro": "Nu știam că trenul ajunge atât de târziu noaptea.",
    "ru": "Я не знал, что поезд приходит так поздно ночью.",
    "sv": "Jag visste inte att tåget kom så sent på natten, och därför blev jag försenad.",
    "th": "ฉันไม่รู้ว่ารถไฟมาถึงดึกขนาดนี้",
    "tr": "Trenin gece bu kadar geç geldiğini bilmiyordum.",
    "uk": "Я не знав, що поїзд прибуває так пізно вночі.",
    "vi": "Tôi không biết rằng tàu đến muộn như vậy vào ban đêm.",
    "zh": "我不知道火车会在这么晚的夜里到达。",
}


@pytest.mark.parametrize("code", SENTENCES)
def test_a_sentence_shows_its_language(code: str) -> None:
    assert language_of(SENTENCES[code]) == code


@pytest.mark.parametrize("text", ["", "   ", "12345 !!! 😀", "x", "http://t.co/9", "Xyzzy Plugh"])
def test_what_shows_no_language_is_not_told(text: str) -> None:
    assert language_of(text) == ""


@given(st.text(max_size=200))
def test_any_text_has_one_language_or_none(text: str) -> None:
    assert language_of(text) in {*NAMES, ""}


@given(st.lists(st.sampled_from(sorted(SENTENCES)), min_size=1, max_size=60), st.lists(st.just("123"), max_size=60))
def test_shares_are_of_the_texts_that_are_told(codes: list[str], others: list[str]) -> None:
    languages = languages_of([*(SENTENCES[code] for code in codes), *others])
    assert languages.told == len(codes)
    assert languages.texts == len(codes) + len(others)
    assert languages.shares == pytest.approx({code: codes.count(code) / len(codes) for code in codes})
    assert languages.known_to(frozenset(NAMES)) == pytest.approx(1)


def test_a_few_texts_that_are_told_among_many_that_are_not_say_nothing() -> None:
    assert languages_of([SENTENCES["de"], *["123"] * 200]).shares == {}


def test_large_tables_are_looked_at_from_first_to_last() -> None:
    texts = [SENTENCES["de"]] * 60_000 + [SENTENCES["fr"]] * 40_000
    languages = languages_of(texts)
    assert languages.texts == 1_000
    assert languages.shares == pytest.approx({"de": 0.6, "fr": 0.4}, abs=0.01)
    assert re.fullmatch(r"German in 60 %, French in 40 % of 1,000 texts", str(languages))


@pytest.mark.parametrize(("table", "least"), [("emotion/train.txt", 0.97), ("climate/tweets.csv", 0.94)])
def test_real_tables_in_english_are_english(shared_data, table: str, least: float) -> None:  # type: ignore[no-untyped-def]
    from textgraft import read_table

    assert languages_of(read_table(shared_data / table).texts).shares["en"] > least


def test_every_language_with_words_has_a_name() -> None:
    assert _WORDS.keys() <= NAMES.keys()
