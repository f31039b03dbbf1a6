"""The folders of ``src`` and which may import which, from the first step of the data's path to the last.

``python -m tests.unit.architecture`` writes ``docs/architecture.md`` from them and from what the code imports.
"""

import ast
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src"
EVERYONE = {"errors", "seeding"}
"""Modules that every folder may import."""
STEPS = (
    ("system", ()),
    ("tables", ()),
    ("tables.text", ("system",)),
    ("tables.cells", ()),
    ("tables.formats", ("system", "tables", "tables.text", "tables.cells")),
    ("tables.columns", ("system", "tables", "tables.text", "tables.cells", "tables.formats")),
    ("tables.rules", ("system", "tables", "tables.cells", "tables.columns")),
    ("tables.files", ("system", "tables", "tables.text", "tables.formats", "tables.columns", "tables.rules")),
    (
        "tables.reading",
        (
            *("system", "tables", "tables.text"),
            *("tables.cells", "tables.formats", "tables.columns", "tables.rules", "tables.files"),
        ),
    ),
    (
        "tables.datasets",
        ("system", "tables", "tables.text", "tables.columns", "tables.files", "tables.reading"),
    ),
    ("missing", ("tables",)),
    ("completion", ("tables",)),
    ("encoding", ("tables",)),
    ("diffusion.networks", ()),
    ("diffusion", ("diffusion.networks",)),
    ("diffusion.gaussian", ("diffusion.networks", "diffusion")),
    ("diffusion.absorbing", ("diffusion.networks", "diffusion")),
    (
        "training",
        (
            *("system", "tables", "tables.rules", "missing", "completion", "encoding"),
            *("diffusion.networks", "diffusion", "diffusion.gaussian"),
        ),
    ),
    (
        "models",
        (
            "tables",
            "missing",
            "completion",
            "encoding",
            "diffusion.networks",
            "diffusion",
            "training",
        ),
    ),
    (
        "imputation",
        (
            *("tables", "tables.rules", "missing", "completion", "encoding"),
            *("diffusion", "diffusion.absorbing", "training", "models"),
        ),
    ),
    ("questions", ("tables", "tables.columns", "encoding", "diffusion.absorbing", "training")),
    ("metrics.base", ("tables",)),
    ("metrics.quality", ("tables", "tables.rules", "metrics.base")),
    ("metrics.downstream", ("tables", "metrics.base")),
    ("metrics.imputation", ("tables", "metrics.base")),
    (
        "metrics",
        (
            *("tables", "completion", "metrics.base"),
            *("metrics.quality", "metrics.downstream", "metrics.imputation"),
        ),
    ),
    ("results.record", ("system", "tables", "metrics", "metrics.base")),
    ("results.sweep", ("tables.datasets", "metrics.base")),
    ("results.page", ("system", "metrics", "metrics.base", "results.record", "results.sweep")),
    ("results.mirror", ("results.record", "results.sweep")),
    (
        "runs",
        (
            *(
                "system",
                "tables",
                "tables.text",
                "tables.columns",
                "tables.rules",
                "tables.files",
                "tables.reading",
                "missing",
                "completion",
            ),
            *("diffusion", "diffusion.absorbing", "training", "models", "imputation"),
            *("metrics", "metrics.base", "metrics.quality", "metrics.downstream", "metrics.imputation"),
            *("results.record", "results.page", "results.mirror"),
        ),
    ),
    (
        "config",
        (
            *("system", "tables", "tables.text", "tables.columns", "tables.files", "tables.reading", "tables.datasets"),
            *(
                "missing",
                "completion",
                "encoding",
                "diffusion",
                "diffusion.networks",
                "training",
                "models",
                "imputation",
            ),
            *("metrics.base", "results.record", "results.sweep", "results.mirror", "runs"),
        ),
    ),
    ("sweeps", ("system",)),
    ("commands.cli", ("system", "sweeps", "config")),
    (
        "commands",
        (
            *(
                "system",
                "diffusion",
                "tables.columns",
                "tables.files",
                "tables.reading",
                "metrics.base",
                "training",
                "sweeps",
                "config",
                "runs",
            ),
            *("results.record", "results.sweep", "results.page", "results.mirror", "commands.cli", "questions"),
        ),
    ),
)
ALLOWED = {folder: set(others) for folder, others in STEPS}
COMMANDS = ("train", "sample", "impute", "evaluate", "report", "describe", "ask")
ENTRIES = (*COMMANDS, "api")
"""Modules of the root that may import every folder and that none imports."""
FILES = sorted(SRC.rglob("*.py"))


def imports(file: Path) -> set[str]:
    """Modules that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{file}: relative import"
            found.add(node.module)
    return found


def folder_of(module: str) -> str:
    """The folder of a module of ``src`` (dotted, without ``src.``); of the root's modules their own name."""
    parts = module.split(".")
    if SRC.joinpath(*parts).is_dir() or len(parts) == 1:
        return module
    return ".".join(parts[:-1])


def here(file: Path) -> str:
    """The folder of a file, as :func:`folder_of`."""
    relative = file.relative_to(SRC).with_suffix("")
    parts = relative.parts[:-1] if relative.name == "__init__" else relative.parts
    return folder_of(".".join(parts)) if parts else "src"


def own_imports(file: Path) -> set[str]:
    """Folders, and modules of the root, that a file imports."""
    return {folder_of(name.removeprefix("src.")) for name in imports(file) if name.startswith("src.")}


PAGE = ROOT / "docs" / "architecture.md"
HEAD = """# Architecture
The path of the data is the architecture: table -> mask -> completion -> encoding -> diffusion -> samples -> table ->
metrics -> report. Every step has a folder, and imports earlier steps alone; `tests/unit/test_imports.py` fails where
one does not, and `python -m tests.unit.architecture` writes this page from the code.

`errors.py` and `seeding.py` are for everyone. The six commands (`python -m src.train`, ...) and `api` (the estimator
`MissDiff`) come last: they may import every folder, and nothing imports them.

"""
PARTS = (
    "system",
    "tables",
    "missing",
    "completion",
    "encoding",
    "diffusion",
    "training",
    "models",
    "imputation",
    "questions",
)
PARTS += ("imputation", "questions", "metrics", "results", "runs", "config", "sweeps", "commands")


def page() -> str:
    """The page: a picture of the arrows between the folders at the root, and a table of all folders."""
    used = {folder: set() for folder in ALLOWED}
    for file in FILES:
        if here(file) in used and file.name != "__init__.py":
            used[here(file)] |= own_imports(file) & ALLOWED.keys()
    lines = ["| folder | files | what it is | imports |", "|---|---|---|---|"]
    for folder, _ in STEPS:
        lines.append(f"| `{folder}` | {_n_files(folder)} | {_purpose(folder)} | {_list(used[folder] - {folder})} |")
    return f"{HEAD}{_picture(used)}\n## Folders\n" + "\n".join(lines) + "\n"


def _picture(used: dict[str, set[str]]) -> str:
    """The arrows between the folders at the root; one that follows from two others is left out."""
    between = {part: set() for part in PARTS}
    for folder, others in used.items():
        between[folder.split(".")[0]] |= {other.split(".")[0] for other in others}
    for part, others in between.items():
        others.discard(part)
    direct = {
        part: {o for o in others if not any(o in _reached(between, other) for other in others - {o})}
        for part, others in between.items()
    }
    arrows = [f"  {part} --> {other}" for part in PARTS for other in PARTS if other in direct[part]]
    return "\n".join(["```mermaid", "graph LR", *arrows, "```", ""])


def _reached(between: dict[str, set[str]], start: str) -> set[str]:
    found, left = set(), [start]
    while left:
        for other in between[left.pop()] - found:
            found.add(other)
            left.append(other)
    return found


def _n_files(folder: str) -> int:
    path = SRC.joinpath(*folder.split("."))
    return len([file for file in path.glob("*.py") if file.name != "__init__.py"]) if path.is_dir() else 1


def _purpose(folder: str) -> str:
    path = SRC.joinpath(*folder.split("."))
    text = (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text()
    return (ast.get_docstring(ast.parse(text)) or "").splitlines()[0]


def _list(folders: Iterable[str]) -> str:
    order = [folder for folder, _ in STEPS]
    return ", ".join(f"`{folder}`" for folder in sorted(folders, key=order.index))


if __name__ == "__main__":
    PAGE.write_text(page())
    print(f"written to {PAGE}")
