"""Which languages texts are in: by their scripts, and where several share one, by frequent words and letters.

For tables and not for single texts: a short text without a frequent word is not told, and what is said of a table are
the shares among the texts that are.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from textgraft.errors import listed
from textgraft.wording import counted

TEXTS: Final = 1_000  # that are looked at
CHARACTERS: Final = 300  # of each
LEAST_LETTERS: Final = 2
LEAST_TOLD: Final = 0.02  # of the texts, below which nothing is said of a table
LEAST_SHOWN: Final = 0.02
BOTH: Final = 0.05  # of kana among the letters of a text makes it Japanese, though most may be Han

NAMES: Final = {
    "ar": "Arabic", "bg": "Bulgarian", "bn": "Bengali", "cs": "Czech", "da": "Danish", "de": "German", "el": "Greek",
    "en": "English", "es": "Spanish", "fa": "Persian", "fi": "Finnish", "fr": "French", "he": "Hebrew", "hi": "Hindi",
    "hu": "Hungarian", "hy": "Armenian", "id": "Indonesian", "it": "Italian", "ja": "Japanese", "ka": "Georgian",
    "kn": "Kannada", "ko": "Korean", "ml": "Malayalam", "nl": "Dutch", "no": "Norwegian", "pl": "Polish",
    "pt": "Portuguese", "ro": "Romanian", "ru": "Russian", "sv": "Swedish", "ta": "Tamil", "te": "Telugu",
    "th": "Thai", "tr": "Turkish", "uk": "Ukrainian", "vi": "Vietnamese", "zh": "Chinese",
}  # fmt: skip

_SCRIPTS: Final = {  # their letters, and the language where it is only one here
    "latin": ("A-Za-zªºÀ-ÖØ-öø-ɏḀ-ỿ", ""),
    "cyrillic": ("Ѐ-ӿ", ""),
    "arabic": ("ؠ-يٮ-ۓ", ""),
    "han": ("一-鿿㐀-䶿", "zh"),
    "kana": ("ぁ-ゖァ-ヺ", "ja"),
    "hangul": ("가-힣ᄀ-ᇿ", "ko"),
    "thai": ("ก-ฺเ-๎", "th"),
    "devanagari": ("ऄ-हक़-ॡ", "hi"),
    "bengali": ("ঀ-ৡ", "bn"),
    "tamil": ("ஂ-ௌ", "ta"),
    "telugu": ("ఀ-ౡ", "te"),
    "kannada": ("ಀ-ೡ", "kn"),
    "malayalam": ("ഀ-ൡ", "ml"),
    "georgian": ("Ⴀ-ჿ", "ka"),
    "armenian": ("Ա-և", "hy"),
    "greek": ("Ͱ-Ͽἀ-῿", "el"),
    "hebrew": ("א-ת", "he"),
}

# Frequent words that carry grammar, and for some languages letters that their neighbours do not have. A word counts for
# each language that has it, the less the more languages these are.
_WORDS: Final = {
    "en": "the of and to in is you that it he was for on are as with his they at be this have from or had by not but "
    "what all were we when your can said there an which she do their if will how about them then these so some "
    "her would like him has more could my than been who its now did get i i'm it's don't feel just am me our "
    "because very",
    "es": "de la que el en y a los se del las un por con no una su para es al lo como más pero sus le ya o este sí "
    "porque esta entre cuando muy sin sobre también me hasta hay donde quien desde todo nos durante todos uno "
    "ni contra ese eso mí qué unos yo otro otra él tanto esa estos mucho nada muchos cual poco ella estar "
    "estas algo nosotros tu está son fue ser tiene eres soy cómo",
    "fr": "à l' d' qu' j' n' c' s' de la le et les des en un du une que est pour qui dans a par plus pas au sur ne "
    "se ce il sont avec son aux cette ou mais comme nous vous je elle être fait très tout c'est j'ai n'est "
    "qu'il d'un d'une l'on ils ses leur va ca salut bonjour sans même aussi bien où été peut si moi mon ma mes "
    "tu te ça quand quoi rien suis était",
    "de": "der die und in den von zu das mit sich des auf für ist im dem nicht ein eine als auch es an werden aus er "
    "hat dass sie nach wird bei einer um am sind noch wie einem über einen so zum war haben nur oder aber vor "
    "zur bis mehr durch man sein wurde ich du wir ihr mir mich kann was wenn sehr schon hier keine",
    "it": "l' d' un' dell' all' nell' di e il la che in un a per è una sono non con del si da della le i gli al come "
    "più dei nel ma alla anche lo questo ha delle se mi io ci ho perché cosa quando molto tutto tutti essere "
    "suo sua dal nella era degli c'è cui o ti tu ed sei loro questa fatto solo",
    "pt": "de a o que e do da em um para é com não uma os no se na por mais as dos como mas foi ao ele das tem à seu "
    "sua ou ser quando muito há nos já está eu também só pelo pela até isso ela entre era depois sem mesmo aos "
    "ter seus quem nas me esse eles estão você tinha foram essa num nem suas meu às minha têm numa pelos são",
    "nl": "de het een van en in is dat op te zijn voor met die niet aan er om ook als maar dan ik je bij nog uit "
    "naar hij ze heeft door wordt wat over werd hebben deze kan dit geen was of meer al zo mijn zich wel haar "
    "hun tot moet heb we waar veel mensen worden",
    "pl": "w i na z się do nie że jest to o za jak od po co a przez ale tak dla już był tym ma są może czy tylko ich "
    "jego lub przy być bardzo także oraz który która które mnie mi ja ty jej nas było gdy ze pod jestem",
    "tr": "ve bir bu da de için ile çok o ne gibi daha olarak var en kadar sonra ama ben mi sen değil her olan ki "
    "olduğu şey yok bunu bana nasıl iyi ya biz sana beni neden mı mu ise veya hem tüm kendi göre böyle",
    "sv": "och i att det som en på är av för med den till inte har de ett om jag var men så vi kan från han nu när "
    "hon skulle eller också sig mycket där ska då man mig detta",
    "da": "og i at det er en af til på de med for den ikke der som et har jeg om men kan vi fra var han så ved vil "
    "hun skal eller hvad også efter bliver meget mig blev",
    "no": "og i det er på en av til som for å med at de ikke den har et jeg om men kan vi fra var han så ved vil hun "
    "skal eller hva også etter blir veldig meg ble",
    "fi": "ja on ei se että oli ole joka mutta hän kun niin kuin olen minä sinä mitä tai myös ovat nyt jos vain sitä "
    "sen tämä mikä hyvin voi ne kanssa koska",
    "cs": "a se na je že to do o i ve jako za ale pro po byl by co jsem jsou tak si není má jeho nebo také když "
    "které který která jen už být aby podle od mě velmi",
    "ro": "de și în a la cu o că nu pe este un din se care mai pentru sunt ce au ca fi sau dar am ai lui foarte fost "
    "după prin când această acest eu mi te fără să",
    "hu": "a az és hogy nem is egy van ez de csak már meg ha mint volt vagy még nagyon én te mi ezt azt lehet ki "
    "kell sem majd itt amit aki minden",
    "id": "yang dan di ini itu dengan untuk tidak dari dalam akan pada juga saya ke ada bisa karena kita adalah kami "
    "atau oleh mereka sudah telah lebih anda aku apa seperti orang banyak sangat",
    "vi": "và của là có không được cho một những với trong các người này đã khi để tôi thì như về cũng nhưng từ đến "
    "rất bạn ở anh ra nó mà vì sẽ làm",
    "ru": "и в не на что я с он как это по но из у за от о так же для вы мы то а все его бы она был только мне было "
    "меня ты они есть еще ещё когда очень до или если ее её уже нет чтобы быть",
    "uk": "і в не на що я з він як це по але за від та так для ви ми то а всі його би вона був тільки мені було мене "
    "ти вони є ще коли дуже до або якщо її вже ні щоб бути й у",
    "bg": "и на да се в не за е от са с че по като си това го но ще ми до при ли той все аз как ти тя беше има много "
    "или само защо съм ме",
    "ar": "في من على أن إلى هذا التي هو ما لا عن كان مع هذه كل ذلك أو قد الذي لم أنا هل كما بعد إن",
    "fa": "و در به از که این را با است برای آن یک خود تا کرد بر هم نیز شد می ما من او شما چه هر اما باید",
}
_LETTERS: Final = {
    "uk": "іїєґ", "ru": "ыэё", "fa": "پچژگکی", "ar": "ةىكي", "de": "ß", "es": "ñ¿¡", "pt": "ãõ", "pl": "łżśźńęą",
    "tr": "ğış", "cs": "řěů", "ro": "țțăș", "hu": "őű", "vi": "ơưđạảấầẩậắằẳặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ",
}  # fmt: skip
_OF_SCRIPT: Final = {"cyrillic": ("ru", "uk", "bg"), "arabic": ("ar", "fa")}
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")


@dataclass(frozen=True)
class Languages:
    """The languages of a table's texts.

    Attributes:
        shares: of the texts that are told, by code, the largest first; empty where too few are.
        told: how many texts show their language.
        texts: how many were looked at.
    """

    shares: dict[str, float]
    told: int
    texts: int

    def known_to(self, languages: frozenset[str]) -> float:
        """The share of texts in some of the languages."""
        return sum(share for language, share in self.shares.items() if language in languages)

    def __str__(self) -> str:
        """``"English in 97 % of 500 texts"``."""
        parts = [f"{NAMES[code]} in {100 * share:.0f} %" for code, share in self.shares.items() if share >= LEAST_SHOWN]
        return f"{listed(parts, 3)} of {counted(self.told, 'text')}"


def languages_of(texts: Sequence[str]) -> Languages:
    """The languages of texts, of which some are looked at, evenly from the first to the last."""
    step = max(1, -(-len(texts) // TEXTS))
    seen = texts[::step]
    counts = Counter(code for text in seen if (code := language_of(text)))
    told = counts.total()
    if told < LEAST_TOLD * len(seen):
        return Languages({}, told, len(seen))
    return Languages({code: n / told for code, n in counts.most_common()}, told, len(seen))


def language_of(text: str) -> str:
    """The code of a text's language; empty where it does not show."""
    text = text[:CHARACTERS]
    scripts = ["latin"] if text.isascii() else _patterns()
    letters = {script: len(_patterns()[script].findall(text)) for script in scripts}
    script = max(letters, key=lambda name: letters[name])
    if letters[script] < LEAST_LETTERS:
        return ""
    if script == "han" and letters["kana"] > BOTH * (letters["han"] + letters["kana"]):
        return "ja"
    return _SCRIPTS[script][1] or _by_words(text.lower(), script)


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    return {script: re.compile(f"[{letters}]") for script, (letters, _) in _SCRIPTS.items()}


@cache
def _worth() -> dict[str, tuple[tuple[str, float], ...]]:
    """What a word counts for languages: 1 for one that has it alone, half for each of two."""
    having: dict[str, list[str]] = {}
    for language, words in _WORDS.items():
        for word in set(words.split()):
            having.setdefault(word, []).append(language)
    return {word: tuple((language, 1 / len(each)) for language in each) for word, each in having.items()}


def _by_words(text: str, script: str) -> str:
    """The language of the script that most of the words and letters speak for, if no other has as many."""
    score: Counter[str] = Counter()
    for word in _WORD.findall(text.replace("’", "'")):
        known = _worth().get(word, ())
        if not known and "'" in word:  # the l' of l'eau
            known = _worth().get(word.partition("'")[0] + "'", ())
        for language, worth in known:
            score[language] += worth  # type: ignore[assignment]
    for language, letters in () if text.isascii() else _LETTERS.items():  # none of them is ASCII
        score[language] += sum(map(text.count, letters)) / 2  # type: ignore[assignment]
    others = {language for languages in _OF_SCRIPT.values() for language in languages}
    here = _OF_SCRIPT.get(script) or [language for language in _WORDS if language not in others]
    first, second = sorted(here, key=lambda language: -score[language])[:2]
    return first if score[first] > score[second] else ""
