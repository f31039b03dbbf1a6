"""The folders of ``src`` and which may import which, from the first step of the data's path to the last."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src"
EVERYONE = {"errors", "seeding"}
"""Modules that every folder may import."""
STEPS = (
    ("system", ()),
    ("tables", ()),
    ("tables.text", ("system",)),
    ("tables.columns", ("system", "tables", "tables.text")),
    ("tables.files", ("system", "tables", "tables.text", "tables.columns")),
    ("tables.datasets", ("system", "tables", "tables.text", "tables.columns", "tables.files")),
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
            *("system", "tables", "missing", "completion", "encoding"),
            *("diffusion.networks", "diffusion", "diffusion.gaussian"),
        ),
    ),
    ("models", ("encoding", "diffusion", "diffusion.networks", "training")),
    ("imputation", ("tables", "missing", "completion", "encoding", "diffusion", "diffusion.networks", "training")),
    ("metrics.base", ("tables",)),
    ("metrics.quality", ("tables", "metrics.base")),
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
        "config",
        (
            *("system", "tables", "tables.text", "tables.columns", "tables.files", "tables.datasets"),
            *("missing", "completion", "encoding", "diffusion", "diffusion.networks", "training", "imputation"),
            *("metrics.base", "results.record", "results.sweep", "results.mirror"),
        ),
    ),
    (
        "runs",
        (
            *("system", "tables", "tables.text", "tables.columns", "tables.files", "missing", "completion"),
            *("diffusion", "diffusion.absorbing", "training", "models", "imputation"),
            *("metrics", "metrics.base", "metrics.quality", "metrics.downstream", "metrics.imputation"),
            *("results.record", "results.sweep", "results.page", "results.mirror", "config"),
        ),
    ),
    ("sweeps", ("system",)),
    (
        "commands",
        (
            *("system", "tables.columns", "tables.files", "metrics.base", "training", "sweeps", "config", "runs"),
            *("results.record", "results.sweep", "results.page", "results.mirror"),
        ),
    ),
)
ALLOWED = {folder: set(others) for folder, others in STEPS}
COMMANDS = ("train", "sample", "impute", "evaluate", "report", "describe")
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
