"""Quote command-line arguments for Hydra, and printed commands for a shell."""

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
    *(f"dataset.{key}" for key in (*NAME_LISTS, "ids", "holes", "also_holes", "merge_spellings", "structural")),
    "structural",
)
RULE_KEYS = ("rules", "dataset.rules")
OVERRIDE = re.compile(r"[~+]{0,2}[A-Za-z_][\w.@/]*=")
PLAIN_PATH = re.compile("[A-Za-z./_][A-Za-z0-9./_-]*")
RULE_TEXT = re.compile(r"(?:`[^`]*`|\"[^\"]*\"|'[^']*'|\([^()]*\)|[^,])+")
"""A rule in a list: a comma in brackets, quotes or backticks parts no two."""


def keyed(argument: str, positional: str) -> str:
    """Turn an argument into a Hydra override; an argument without a key becomes the value of ``positional``."""
    return argument if OVERRIDE.match(argument) and not Path(argument).is_file() else f"{positional}={argument}"


def quoted_path(override: str) -> str:
    """Quote the value of an override if it is a path or the name of a column.

    Names of run folders contain ``=`` and ``,``, names of columns brackets, and both accents or digits only: Hydra
    would parse all of these. A list of columns needs no brackets: ``a,b``.
    """
    key, sign, value = override.partition("=")
    if not sign or value in ("", "null"):
        return override
    if key == "holes" and not value.startswith("["):  # of src.sample: one word, no list of markers
        return override
    if key in NAME_LIST_KEYS and not re.search("['\"]", value):
        names = [name.strip() for name in value.removeprefix("[").removesuffix("]").split(",")]
        return f"{key}=[{','.join(_quoted(name) for name in names if name)}]"
    if key in RULE_KEYS and not re.match(r"\[?\s*['\"]", value):
        texts = re.findall(RULE_TEXT, value.removeprefix("[").removesuffix("]"))
        return f"{key}=[{','.join(_quoted(text.strip()) for text in texts if text.strip())}]"
    if key in ("dataset.path", "dataset.test_path") and "," in value and not Path(value).exists():
        parts = value.split(",")
        if all(Path(part).exists() for part in parts):  # a sweep over files
            return f"{key}={','.join(_quoted(part) for part in parts)}"
    is_path = key in PATH_KEYS and not PLAIN_PATH.fullmatch(value)
    is_quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return f"{key}={_quoted(value)}" if (is_path or key in TEXT_KEYS) and not is_quoted else override


def hydra_value(value: Any) -> str:
    """Write a value as Hydra reads it on the command line."""
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
    """Write ``key=value`` for a user to copy: a shell passes it on as one word, which Hydra parses."""
    return shlex.quote(_override(key, value))


def command(module: str, *overrides: str, **values: Any) -> str:
    """Write ``python -m src.<module> ...`` for a user to copy; a shell runs it whatever characters the names contain.

    Arguments:
        module: the command, e.g. ``train``.
        overrides: arguments that Hydra can parse already.
        values: further keys and their unquoted values, which follow ``overrides``; ``__`` in a key stands for a dot.
    """
    quoted = [_override(key.replace("__", "."), value) for key, value in values.items()]
    return shlex.join(["python", "-m", f"src.{module}", *overrides, *quoted])


def _override(key: str, value: Any) -> str:
    """Write an override in its shortest spelling: unquoted where the command itself quotes it (:func:`quoted_path`).

    The value of ``experiment`` stays unquoted, because settings files are read before Hydra parses the arguments.
    """
    plain, is_text = f"{key}={value}", isinstance(value, str) and "," not in value  # a comma may separate two files
    if key in (*NAME_LIST_KEYS, *RULE_KEYS) and isinstance(value, list) and all(isinstance(i, str) for i in value):
        plain = f"{key}=[{','.join(value)}]"
        quoted = f"{key}=[{','.join(_quoted(name) for name in value)}]"
        return plain if quoted_path(plain) == quoted else f"{key}={hydra_value(value)}"
    if key == "experiment" or (is_text and quoted_path(plain) == f"{key}={_quoted(value)}"):
        return plain
    return f"{key}={hydra_value(value)}"


def _quoted(value: str) -> str:
    """Quote a text for Hydra, which reads backslashes before quotes as escapes and ``${`` as an interpolation."""
    escaped = re.sub(r"(\\*)'", r"\1\1\\'", value)
    escaped = re.sub(r"(\\+)$", r"\1\1", escaped).replace("${", "\\${")
    return f"'{escaped}'"
