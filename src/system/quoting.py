"""Quote arguments for Hydra, and commands for a shell."""

import re
import shlex
from pathlib import Path
from typing import Any

PATH_KEYS = (
    *("run", "run_dir", "outputs_dir", "dataset.path", "real", "synthetic", "test", "out"),
    *("sweep", "results", "card", "dataset.test_path", "dataset.columns", "file"),
)
TEXT_KEYS = ("target", "dataset.target", "dataset.separator", "dataset.decimal", "dataset.quote", "where")
NAME_LISTS = ("categorical", "numerical", "exclude")
NAME_LIST_KEYS = (
    *NAME_LISTS,
    "holes",
    "also_holes",
    *(f"dataset.{key}" for key in (*NAME_LISTS, "ids", "holes", "also_holes")),
)
OVERRIDE = re.compile(r"[~+]{0,2}[A-Za-z_][\w.@/]*=")
PLAIN_PATH = re.compile("[A-Za-z./_][A-Za-z0-9./_-]*")


def keyed(argument: str, positional: str) -> str:
    """An argument as an override: a value without a key is that of ``positional``."""
    return argument if OVERRIDE.match(argument) and not Path(argument).is_file() else f"{positional}={argument}"


def quoted_path(override: str) -> str:
    """An override whose value is a path or a column's name, quoted.

    Run folders have ``=`` and ``,``, columns have brackets, and either may have letters with accents
    or be a number: Hydra would parse all of them. A list of columns needs no brackets: ``a,b``.
    """
    key, sign, value = override.partition("=")
    if not sign or value in ("", "null"):
        return override
    if key == "holes" and not value.startswith("["):  # that of src.sample, a word
        return override
    if key in NAME_LIST_KEYS and not re.search("['\"]", value):
        names = [name.strip() for name in value.removeprefix("[").removesuffix("]").split(",")]
        return f"{key}=[{','.join(_quoted(name) for name in names if name)}]"
    if key in ("dataset.path", "dataset.test_path") and "," in value and not Path(value).exists():
        parts = value.split(",")
        if all(Path(part).exists() for part in parts):  # a sweep over files
            return f"{key}={','.join(_quoted(part) for part in parts)}"
    is_path = key in PATH_KEYS and not PLAIN_PATH.fullmatch(value)
    is_quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return f"{key}={_quoted(value)}" if (is_path or key in TEXT_KEYS) and not is_quoted else override


def hydra_value(value: Any) -> str:
    """A value as the command line takes it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, list):
        return f"[{','.join(hydra_value(item) for item in value)}]"
    text = str(value)
    if not isinstance(value, str) or re.fullmatch(
        r"(?!(?i:null|true|false|nan|inf)$)[a-z_./][\w./+-]*", text, re.ASCII
    ):
        return text
    return _quoted(text)


def setting(key: str, value: Any) -> str:
    """``key=value`` to print for a user: Hydra parses it, and a shell passes it on as one word."""
    return shlex.quote(_override(key, value))


def command(module: str, *overrides: str, **values: Any) -> str:
    """``python -m src.<module> ...`` to print for a user: a shell runs it as it stands, whatever its names hold.

    Arguments:
        module: the command, e.g. ``train``.
        overrides: arguments that Hydra can parse already.
        values: keys and plain values; ``__`` in a key is a dot. They come after ``overrides``.
    """
    given = [_override(key.replace("__", "."), value) for key, value in values.items()]
    return shlex.join(["python", "-m", f"src.{module}", *overrides, *given])


def _override(key: str, value: Any) -> str:
    """The shortest spelling: as it is where the command quotes for Hydra by itself (:func:`quoted_path`).

    A file of settings is read before Hydra parses anything, so its name stays as it is.
    """
    plain, is_text = f"{key}={value}", isinstance(value, str) and "," not in value  # a comma may part two files
    if key == "experiment" or (is_text and quoted_path(plain) == f"{key}={_quoted(value)}"):
        return plain
    return f"{key}={hydra_value(value)}"


def _quoted(value: str) -> str:
    """Backslashes stand for themselves but before a quote; ``${`` is no interpolation."""
    escaped = re.sub(r"(\\*)'", r"\1\1\\'", value)
    escaped = re.sub(r"(\\+)$", r"\1\1", escaped).replace("${", "\\${")
    return f"'{escaped}'"
