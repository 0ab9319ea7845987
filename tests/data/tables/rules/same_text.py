"""One text, one answer

A text gives the same probabilities however its letters are written in Unicode: files from a Mac and texts from PDFs
take an accent apart from its letter. What is shown of a text, in reports and predictions, is the text as it is."""

from .rule import Example, Rule

FEST = """tg.NgramClassifier(min_count=1{unicode}).fit(
    ["la fête", "une fête", "fête et rêve", "un échec", "mon échec", "échec et déçu"],
    ["joy", "joy", "joy", "anger", "anger", "anger"],
).predict([{texts}]).tolist()"""

RULES = (
    Rule(
        "A letter with its accent in one character, and the same letter with the accent after it, are the same letter, "
        "in training as in prediction, in every method and in its exports.",
        (
            Example(
                code=FEST.format(unicode="", texts=r'"f\N{LATIN SMALL LETTER E WITH CIRCUMFLEX}te", "fe\u0302te"'),
                gives="['joy', 'joy']",
            ),
        ),
    ),
    Rule(
        "Methods that know words as they are written (n-grams, recurrent) also read full-width letters, ligatures and "
        "digits in circles as plain ones: the normal form NFKC. Those that read through an encoder only compose "
        "accents, NFC; the encoder's tokenizer does the rest.",
        (Example(code=FEST.format(unicode="", texts='"ＲÊＶＥ", "ÉＣＨＥＣ"'), gives="['joy', 'anger']"),),
    ),
    Rule(
        "The form is chosen with --unicode (unicode=): nfc, nfkc, or none, which reads texts as they are. It is kept "
        "in the model; models of earlier releases, and those of transformers, go on reading texts as they are.",
        (
            Example(
                code=FEST.format(unicode=', unicode="nfd"', texts='"fête"'),
                refused="unicode must be one of 'nfc', 'nfkc', 'none'; got 'nfd'.",
            ),
        ),
    ),
)
