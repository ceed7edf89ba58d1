"""The declaration of an on-demand feature: a Python function, what it is given, and what it gives."""

import pandas as pd
import pytest

from feature_store import FeatureFunction, Misuse, WrongKind


def speed(kilometres: pd.Series, hours: pd.Series) -> pd.Series:
    return kilometres / hours


def anything(*values: pd.Series) -> pd.Series:
    return values[0]


def nothing() -> pd.Series:
    return pd.Series()


def test_a_parameter_that_is_not_bound_takes_the_column_of_its_own_name_in_the_order_of_the_parameters():
    function = FeatureFunction(udf_name=speed, input_bindings={"hours": "duration"}, returns="double")
    assert list(function.input_bindings.items()) == [("kilometres", "kilometres"), ("hours", "duration")]


def test_the_output_has_the_functions_own_short_name_unless_it_is_given():
    assert FeatureFunction(udf_name=speed, returns="double").output_name == "speed"
    assert FeatureFunction(udf_name=speed, returns="double", output_name="pace").output_name == "pace"
    assert FeatureFunction(udf_name="Main.Fs.Ratio", input_bindings={"a": "x"}).output_name == "ratio"


def test_a_registered_function_is_named_in_lower_case_as_the_vendors_client_does():
    assert FeatureFunction(udf_name="Main.FS.Ratio").udf_name == "main.fs.ratio"


def test_arguments_are_given_by_keyword_only():
    with pytest.raises(TypeError, match="positional"):
        FeatureFunction(speed)  # type: ignore[misc, call-arg]


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"udf_name": speed}, Misuse, 'does not say what type it returns. Add returns="double"'),
        ({"udf_name": speed, "returns": " "}, Misuse, "does not say what type it returns"),
        ({"udf_name": speed, "returns": "double", "input_bindings": {"hour": "h"}}, Misuse, r"has no parameter 'hour'. Did you mean hours\? There are: hours, kilometres"),
        ({"udf_name": speed, "returns": "double", "input_bindings": ["hours"]}, WrongKind, "input_bindings maps parameters to columns; list does not"),
        ({"udf_name": speed, "returns": "double", "input_bindings": {"hours": 7}}, WrongKind, "input_bindings maps parameter names to column names"),
        ({"udf_name": speed, "returns": "double", "output_name": 7}, WrongKind, "output_name is a text, not int"),
        ({"udf_name": lambda x: x, "returns": "double"}, Misuse, "A lambda has no name"),
        ({"udf_name": anything, "returns": "double"}, Misuse, "cannot be called by parameter name: values"),
        ({"udf_name": nothing, "returns": "double"}, Misuse, "has no parameters, so it cannot depend on a row"),
        ({"udf_name": "ratio"}, Misuse, "'ratio' is not the name of a function: write catalog.schema.function"),
        ({"udf_name": "main.fs.ra tio"}, Misuse, "'ra tio' cannot be the name of a function"),
        ({"udf_name": "main.fs.ratio", "returns": "double"}, Misuse, "Spark knows the type of a registered function. Leave returns= out"),
        ({"udf_name": 7}, WrongKind, "udf_name is a Python function or the name of a registered one, not int"),
    ],
)  # fmt: skip
def test_a_function_that_contradicts_itself_is_refused_where_it_is_written(options, error, text):
    with pytest.raises(error, match=text):
        FeatureFunction(**options)
