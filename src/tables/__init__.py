"""Tables: the schema of columns, validated rows, and the datasets that load them."""

from src.tables.datasets.bayesian_network import BayesianNetwork
from src.tables.datasets.census import Census
from src.tables.datasets.dataset import Dataset
from src.tables.datasets.mimic4ed import Mimic4ed
from src.tables.datasets.mimic4ed_standin import Mimic4edStandin
from src.tables.datasets.own_table import OwnTable
from src.tables.datasets.split import Split, split_rows
from src.tables.schema import Column, Schema, infer_schema
from src.tables.table import Table, make_table

DATASETS: dict[str, type[Dataset]] = {
    "bayesian_network": BayesianNetwork,
    "census": Census,
    "mimic4ed": Mimic4ed,
    "mimic4ed_standin": Mimic4edStandin,
    "table": OwnTable,
}

__all__ = [
    "DATASETS",
    "BayesianNetwork",
    "Census",
    "Column",
    "Dataset",
    "Mimic4ed",
    "Mimic4edStandin",
    "OwnTable",
    "Schema",
    "Split",
    "Table",
    "infer_schema",
    "make_table",
    "split_rows",
]
