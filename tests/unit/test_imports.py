"""The arrows of the architecture: which package may import which, and who may import what library."""

import ast
from pathlib import Path

import pytest

SRC = Path(__file__).resolve().parents[2] / "src"
EVERYONE = {"arguments", "cores", "errors", "locks", "seeding", "whole"}
ALLOWED = {
    "tables": set(),
    "missing": {"tables"},
    "completion": {"tables"},
    "encoding": {"tables"},
    "diffusion": set(),
    "training": {"tables", "missing", "completion", "encoding", "diffusion"},
    "imputation": {"tables", "missing", "completion", "encoding", "diffusion", "training"},
    "metrics": {"tables", "completion"},
    "results": {"tables", "metrics"},
}
LIBRARIES = {
    "torch": {"encoding", "diffusion", "training", "imputation", "results"},
    "pytorch_lightning": {"training"},
    "wandb_workspaces": {"results"},
    "wandb": {"results"},
    "hydra": {"cli", "composing", "sweeper", "api_config"},
    "torchdiffeq": {"diffusion"},
    "sdmetrics": {"metrics"},
    "lightgbm": {"imputation"},
    "matplotlib": {"results"},
}


def imports(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{file}: relative import"
            found.add(node.module)
    return found


def package(file: Path) -> str:
    return file.relative_to(SRC).parts[0].removesuffix(".py")


FILES = sorted(SRC.rglob("*.py"))


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(SRC)))
def test_each_step_imports_only_the_steps_before_it(file):
    here = package(file)
    own = {name.split(".")[1] for name in imports(file) if name.startswith("src.")}
    if here in ALLOWED:
        assert own <= ALLOWED[here] | EVERYONE | {here}
    if here in EVERYONE:
        assert not own


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(SRC)))
def test_each_library_has_its_place(file):
    for name in imports(file):
        root = name.split(".")[0]
        if root in LIBRARIES:
            assert package(file) in LIBRARIES[root], f"{root} in {file}"


def test_pandas_meets_torch_in_the_encoders_only():
    both = [str(f.relative_to(SRC)) for f in FILES if {"pandas", "torch"} <= {n.split(".")[0] for n in imports(f)}]
    assert both == ["encoding/base.py"]


def test_files_and_functions_stay_small():
    for file in FILES:
        text = file.read_text()
        assert text.count("\n") <= 300, file
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                doc = ast.get_docstring(node) or ""
                assert node.end_lineno - node.lineno - doc.count("\n") <= 60, f"{file}: {node.name}"
