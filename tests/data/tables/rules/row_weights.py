"""What a row counts

Rows can count differently when a method is fitted: `sample_weight` of `fit`, as in scikit-learn, or `weights` of a
`Dataset`."""

from .rule import Example, Rule

VOTE = """tg.MajorityClassifier().fit(
    ["It broke", "It came late", "It works"], ["bad", "bad", "good"], sample_weight={weights}
).predict(["Any text"]).tolist()"""

RULES = (
    Rule(
        "A weight multiplies what a row adds to the loss, besides the weight of its label, and counts in all that is "
        "chosen on held-out rows: regularisation, calibration, thresholds, the best epoch. Words are counted "
        "without it.",
        (Example(code=VOTE.format(weights="[1, 1, 5]"), gives="['good']"),),
    ),
    Rule(
        "Weights of 1 are no weights, and a row of weight 0 is as if it were not there.",
        (Example(code=VOTE.format(weights="[1, 0, 2]"), gives="['good']"),),
    ),
    Rule(
        "Only the proportions of weights matter; but where a C is given, twice the weights are twice the C, as in "
        "scikit-learn.",
        (Example(code=VOTE.format(weights="[0.001, 0.001, 0.005]"), gives="['good']"),),
    ),
    Rule(
        "There is one number for each text, 0 or above; anything else is refused and named.",
        (
            Example(code=VOTE.format(weights="[1, 1, -5]"), refused="item 2 of sample_weight is -5"),
            Example(code=VOTE.format(weights="[1, 5]"), refused="3 numbers, one for each text; got 2"),
            Example(
                code=VOTE.format(weights="[1, 1, 0]"),
                refused="all 2 training texts of a weight above 0 carry 'bad'",
            ),
        ),
    ),
)
