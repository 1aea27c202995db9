import pytest

from kzoo.errors import ArgumentError, InputError, check_choice, did_you_mean, one_line


def test_argument_error_is_a_value_error_that_knows_its_place():
    error = ArgumentError("filters", "expected more.").within("model")
    assert isinstance(error, InputError)
    assert isinstance(error, ValueError)
    assert (error.argument, str(error)) == ("model.filters", "model.filters: expected more.")


def test_check_choice_names_the_nearest():
    with pytest.raises(ArgumentError, match=r"^mode: expected one of same, valid\. Received: vaild\. Did you mean valid\?$"):
        check_choice("mode", "vaild", ("same", "valid"))
    check_choice("mode", "same", ("same", "valid"))


def test_check_choice_counts_what_is_too_much_to_name():
    expected = r"^mode: expected one of the 3 that modes\(\) lists\. Received: vaild\. Did you mean valid\?$"
    with pytest.raises(ArgumentError, match=expected):
        check_choice("mode", "vaild", ("same", "valid", "full"), "modes()")


def test_no_hint_where_nothing_is_near():
    assert did_you_mean("zzz", ["same", "valid"]) == ""


def test_one_line_takes_the_first_line_that_says_something():
    assert one_line(OSError("\n  truncated \nmore")) == "OSError: truncated"
    assert one_line(ValueError()) == "ValueError"
