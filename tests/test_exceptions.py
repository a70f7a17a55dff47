"""Sentences of errors, as the command line and the pages show them."""

from __future__ import annotations

import pytest

from regcls.exceptions import UserError, sentence


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (UserError("epochs must be at least 1"), "Epochs must be at least 1."),
        (UserError("did you mean 'paper'?"), "Did you mean 'paper'?"),
        (UserError("two\n  lines"), "Two lines."),
        (UserError("faces.zip is empty"), "faces.zip is empty."),
        (UserError("target.low must be a number"), "target.low must be a number."),
        (FileNotFoundError(2, "No such file", "a.csv"), "a.csv: No such file."),
        (OSError(28, "no space left on device"), "No space left on device."),
        (KeyError(), "KeyError."),
    ],
)
def test_an_error_becomes_one_sentence(error, expected):
    assert sentence(error) == expected


def test_a_user_error_is_a_value_error_with_a_sentence():
    error = UserError("the file is empty")
    assert isinstance(error, ValueError) and error.sentence == "The file is empty."
