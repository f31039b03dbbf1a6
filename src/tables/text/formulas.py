"""Escape texts that a spreadsheet takes for formulas (https://owasp.org/www-community/attacks/CSV_Injection)."""

from src.errors import ConfigError

FORMULAS = ("keep", "escape")
SIGNS = ("=", "+", "-", "@", "\t", "\r")


def escaped(text: str) -> str:
    """The text after an apostrophe where it starts like a formula."""
    return f"'{text}" if text.startswith(SIGNS) else text


def check_formulas(key: str, formulas: str) -> None:
    """Refuse what is none of :data:`FORMULAS`.

    Raises:
        ConfigError: names the key.
    """
    if formulas not in FORMULAS:
        raise ConfigError(f"{key} is keep or escape, got {formulas!r}")
