from __future__ import annotations

import textgraft


def test_every_public_name_is_there_and_nothing_else_is_promised() -> None:
    assert sorted(textgraft.__all__) == textgraft.__all__
    assert dir(textgraft) == textgraft.__all__
    for name in textgraft.__all__:
        assert getattr(textgraft, name).__name__ == name
