"""From what a person typed to what a program receives: parameters checked, arguments resolved to strings."""

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass

from ml.contract.job import FALSE, TRUE
from ml.pipeline.definition import (
    Argument,
    Parameter,
    ParameterRef,
    ParameterValue,
    Pipeline,
)

LARGEST = 2**63
TEXT_LIMIT = 20_000  # a mapping as JSON with a hundred long column names stays well below


@dataclass(frozen=True)
class Problem:
    """What is wrong with one parameter, in a sentence that names the value and what is allowed."""

    parameter: str
    message: str


class BadParameters(ValueError):
    """Every problem at once, so that nobody corrects a form one field at a time."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(" ".join(problem.message for problem in problems))
        self.problems = problems


def resolve_parameters(
    pipeline: Pipeline, given: Mapping[str, object], recipe: str | None = None
) -> dict[str, ParameterValue]:
    """The value of every parameter: the default, the recipe's over it, what was ``given`` over both."""
    values: dict[str, object] = {parameter.name: parameter.default for parameter in pipeline.parameters}
    problems: list[Problem] = []
    if recipe:
        values |= _recipe_values(pipeline, recipe)
    for name, value in given.items():
        if name in values:
            values[name] = value
        else:
            problems.append(Problem(name, _unknown("parameter", name, list(values))))
    resolved: dict[str, ParameterValue] = {}
    for parameter in pipeline.parameters:
        try:
            resolved[parameter.name] = parse_value(parameter, values[parameter.name])
        except ValueError as error:
            problems.append(Problem(parameter.name, str(error)))
    problems += [problem for names in pipeline.shares for problem in _shares(names, resolved)]
    if problems:
        raise BadParameters(tuple(problems))
    return resolved


def _shares(names: tuple[str, ...], resolved: Mapping[str, ParameterValue]) -> list[Problem]:
    parts = [float(resolved[name]) for name in names if name in resolved]
    if len(parts) < len(names) or math.isclose(sum(parts), 1, abs_tol=1e-6):
        return []
    text = f"{', '.join(names)} are {' + '.join(f'{part:g}' for part in parts)}; they must add up to 1."
    return [Problem(names[0], text)]


def _recipe_values(pipeline: Pipeline, recipe: str) -> Mapping[str, ParameterValue]:
    names = [known.name for known in pipeline.recipes]
    if recipe not in names:
        raise BadParameters((Problem("recipe", _unknown("recipe", recipe, names)),))
    return pipeline.recipe(recipe).values


def _unknown(what: str, name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, 1)
    hint = f"Did you mean {close[0]}?" if close else f"There are: {', '.join(known) or 'none'}."
    return f"{name!r} is no {what}. {hint}"


def parse_value(parameter: Parameter, value: object) -> ParameterValue:
    """The value in the parameter's type, from JSON or from the text of a form. ValueError says why not."""
    if parameter.type == "boolean":
        return _boolean(parameter, value)
    if parameter.type == "text":
        return _text(parameter, value)
    if isinstance(value, str) and value.strip() in parameter.words:
        return value.strip()
    number = _number(parameter, value)
    _check_range(parameter, number)
    return number


def _boolean(parameter: Parameter, value: object) -> bool:
    text = str(value).strip().lower()
    if isinstance(value, bool | str | int) and text in TRUE | FALSE:
        return text in TRUE
    raise ValueError(f"{parameter.name} is {value!r}; it must be true or false.")


def _text(parameter: Parameter, value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{parameter.name} is {value!r}; it must be text.")
    if parameter.choices and value not in parameter.choices:
        raise ValueError(f"{parameter.name} is {value!r}; choose {_one_of(parameter.choices)}.")
    if len(value) > TEXT_LIMIT:
        raise ValueError(f"{parameter.name} is longer than {TEXT_LIMIT:,} characters.")
    if any(character == "\0" or "\ud800" <= character <= "\udfff" for character in value):
        # JSON can carry half of a surrogate pair; no answer that shows the run could be written then.
        raise ValueError(f"{parameter.name} holds a character that is no text.")
    return value


def _number(parameter: Parameter, value: object) -> int | float:
    kind = "a whole number" if parameter.type == "integer" else "a number"
    if parameter.words:
        kind += f" or {_one_of(parameter.words)}"
    refusal = ValueError(f"{parameter.name} is {value!r}; it must be {kind}.")
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise refusal
    try:
        # Whole numbers keep all their digits: a seed of 19 digits does not fit a float.
        number = int(value) if parameter.type == "integer" else float(value)
    except (ValueError, OverflowError):
        number = _whole(value)
    if not abs(number) < LARGEST or (isinstance(value, float) and number != value):  # NaN is not below
        raise refusal
    return number


def _whole(value: int | float | str) -> float:
    """``"3.0"`` and ``"1e3"`` are whole numbers too; NaN where the text is no whole number."""
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return math.nan
    return int(number) if math.isfinite(number) and number.is_integer() else math.nan


def _check_range(parameter: Parameter, number: float) -> None:
    low, high = parameter.low, parameter.high
    if (low is None or number >= low) and (high is None or number <= high):
        return
    if low is not None and high is not None:
        raise ValueError(f"{parameter.name} is {number:g}; it must lie between {low:g} and {high:g}.")
    bound = f"at least {low:g}" if low is not None else f"at most {high:g}"
    raise ValueError(f"{parameter.name} is {number:g}; it must be {bound}.")


def _one_of(words: tuple[str, ...]) -> str:
    if len(words) == 1:
        return words[0]
    return f"{', '.join(words[:-1])} or {words[-1]}"


def resolve_argument(argument: Argument, parameters: Mapping[str, ParameterValue]) -> ParameterValue:
    return parameters[argument.name] if isinstance(argument, ParameterRef) else argument


def resolve_arguments(
    arguments: Mapping[str, Argument], parameters: Mapping[str, ParameterValue]
) -> dict[str, ParameterValue]:
    return {name: resolve_argument(argument, parameters) for name, argument in arguments.items()}


def as_strings(arguments: Mapping[str, ParameterValue]) -> dict[str, str]:
    """The form in which the container contract hands arguments to a program."""
    return {name: as_string(value) for name, value in arguments.items()}


def as_string(value: ParameterValue) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) else str(value)
