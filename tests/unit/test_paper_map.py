import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENTRY = re.compile(r"`((?:src|tests)/[\w/]+\.py):(\w+)`")


def test_every_symbol_of_the_map_exists():
    entries = ENTRY.findall((ROOT / "docs/paper_map.md").read_text())
    assert len(entries) > 25
    for file, symbol in entries:
        tree = ast.parse((ROOT / file).read_text())
        names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        assert symbol in names, f"{file}:{symbol}"


def test_every_file_the_documents_name_exists():
    for document in [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")]:
        for name in re.findall(
            r"`((?:docs|src|conf|benchmarks|notebooks|tests)/[\w./-]+\.\w+)(?::\w+)?`", document.read_text()
        ):
            assert (ROOT / name).exists(), f"{document.name}: {name}"
