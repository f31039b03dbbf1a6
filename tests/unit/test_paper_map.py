import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ENTRY = re.compile(r"`((?:src|tests)/[\w/]+\.py):(\w+)(?:\.(\w+))?`")


def definitions(body):
    return {node.name: node for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)}


@pytest.mark.parametrize(("document", "least"), [("docs/paper_map.md", 25), ("docs/theory.md", 20)])
def test_every_symbol_of_the_map_and_of_the_theory_exists(document, least):
    entries = ENTRY.findall((ROOT / document).read_text())
    assert len(entries) > least
    for file, symbol, method in entries:
        top = definitions(ast.parse((ROOT / file).read_text()).body)
        assert symbol in top, f"{file}:{symbol}"
        assert not method or method in definitions(top[symbol].body), f"{file}:{symbol}.{method}"


def test_every_file_the_documents_name_exists():
    for document in [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")]:
        for name in re.findall(
            r"`((?:docs|src|conf|benchmarks|notebooks|tests)/[\w./-]+\.\w+)(?::[\w.]+)?`", document.read_text()
        ):
            assert (ROOT / name).exists(), f"{document.name}: {name}"
