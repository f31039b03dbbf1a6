"""The arrows of the architecture: which folder may import which, and who may import what library."""

import ast

import pytest

from tests.unit.architecture import (
    ALLOWED,
    COMMANDS,
    ENTRIES,
    EVERYONE,
    FILES,
    PAGE,
    ROOT,
    SRC,
    STEPS,
    here,
    imports,
    own_imports,
    page,
)

LIBRARIES = {
    "torch": {"encoding", "diffusion", "training", "models", "imputation", "questions", "runs", "results", "api"},
    "pytorch_lightning": {"training", "models"},
    "wandb_workspaces": {"results"},
    "wandb": {"results"},
    "hydra": {"commands", "config"},
    "torchdiffeq": {"diffusion"},
    "sdmetrics": {"metrics"},
    "lightgbm": {"imputation"},
    "statsmodels": {"api"},
    "matplotlib": {"results"},
}
MOST_FILES, MOST_AT_ROOT = 12, 10
MOST_LINES, MOST_LINES_OF_A_FUNCTION = 300, 60


def test_every_folder_stands_on_the_path_of_the_data():
    folders = {here(file) for file in FILES if file.name != "__init__.py"} - {"src"}
    assert folders == ALLOWED.keys() | EVERYONE | set(ENTRIES)


def test_arrows_lead_to_earlier_steps_alone():
    order = [folder for folder, _ in STEPS]
    for position, (folder, others) in enumerate(STEPS):
        assert set(others) <= set(order[:position]), folder


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(SRC)))
def test_each_step_imports_only_the_steps_before_it(file):
    folder, found = here(file), own_imports(file)
    if file.name == "__init__.py":  # a package shows what its folders hold
        found = {name for name in found if not name.startswith(f"{folder}.")}
    if folder in EVERYONE:
        assert not found
    elif folder not in ENTRIES and folder != "src":
        assert found <= ALLOWED.get(folder, set()) | EVERYONE | {folder}
    assert not found & set(ENTRIES) or folder in ENTRIES


def test_every_arrow_that_is_allowed_is_used():
    used = {folder: set() for folder in ALLOWED}
    for file in FILES:
        if here(file) in used:
            used[here(file)] |= own_imports(file)
    for folder, others in ALLOWED.items():
        assert others <= used[folder], folder


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(SRC)))
def test_each_library_has_its_place(file):
    for name in imports(file):
        root = name.split(".")[0]
        if root in LIBRARIES:
            assert here(file).split(".")[0] in LIBRARIES[root], f"{root} in {file}"


def test_pandas_meets_torch_in_the_encoders_and_in_what_people_use():
    both = {here(file) for file in FILES if {"pandas", "torch"} <= {n.split(".")[0] for n in imports(file)}}
    assert both == {"encoding"}


def test_folders_files_and_functions_stay_small():
    for folder in {file.parent for file in FILES}:
        most = MOST_AT_ROOT + 1 if folder == SRC else MOST_FILES
        assert len(list(folder.glob("*.py"))) <= most, folder
    for file in FILES:
        text = file.read_text()
        assert text.count("\n") <= MOST_LINES, file
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                doc = ast.get_docstring(node) or ""
                assert node.end_lineno - node.lineno - doc.count("\n") <= MOST_LINES_OF_A_FUNCTION, (
                    f"{file}: {node.name}"
                )


def test_the_commands_are_there():
    assert {file.stem for file in SRC.glob("*.py")} == {*COMMANDS, *EVERYONE, "models", "__init__"}
    assert all((ROOT / "src" / f"{command}.py").exists() for command in COMMANDS)


def test_the_page_of_the_architecture_is_up_to_date():
    assert PAGE.read_text() == page(), "python -m tests.unit.architecture writes it"
