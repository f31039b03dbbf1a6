"""Escape texts that a spreadsheet would run as formulas (https://owasp.org/www-community/attacks/CSV_Injection)."""

from src.errors import ConfigError

FORMULAS = ("keep", "escape")
SIGNS = ("=", "+", "-", "@", "\t", "\r")


def escaped(text: str) -> str:
    """Put an apostrophe before a text that starts like a formula; other texts stay as they are."""
    return f"'{text}" if text.startswith(SIGNS) else text


def check_formulas(key: str, formulas: str) -> None:
    """Check that a setting is one of :data:`FORMULAS`.

    Raises:
        ConfigError: it is not; names the key.
    """
    if formulas not in FORMULAS:
        raise ConfigError(f"{key} is keep or escape, got {formulas!r}")
