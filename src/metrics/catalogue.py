"""The metrics of the project: the one place where they are registered.

:func:`src.metrics.evaluate.score` computes them in this order; the terminal table, ``report.json`` and the report pages
read their texts here.
"""

from src.errors import MetricError
from src.metrics.base.measure import Measure
from src.metrics.base.metric import Metric
from src.metrics.downstream.detection import Detection
from src.metrics.downstream.utility import MODELS, SUFFIXES, UTILITY, Utility, UtilityOfMore
from src.metrics.imputation.metrics import IMPUTATION_METRICS, PLACES
from src.metrics.quality.coverage import Coverage
from src.metrics.quality.dependence import Dependence
from src.metrics.quality.fidelity import Fidelity
from src.metrics.quality.holes import Holes
from src.metrics.quality.privacy import Privacy
from src.metrics.quality.rules import KeptRules
from src.metrics.quality.truth import KnownTruth

MEASURES: tuple[Measure, ...] = (
    Fidelity(),
    Utility(),
    UtilityOfMore(),
    Dependence(),
    Detection(),
    Coverage(),
    Privacy(),
    Holes(),
    KeptRules(),
    KnownTruth(),
)
CATALOGUE = {metric.name: metric for measure in MEASURES for metric in measure.metrics} | {
    described.name: described
    for metric in IMPUTATION_METRICS
    for described in (metric.described(prefix) for prefix in PLACES)
}


def describe(name: str) -> Metric:
    """The metric of a name in ``report.json``.

    Raises:
        MetricError: no metric has this name.
    """
    described = [CATALOGUE.get(name), *(measure.describe(name) for measure in MEASURES)]
    metric = next(filter(None, described), None)
    if metric is None:
        raise MetricError(
            f"no metric is called {name!r}; there are {', '.join(CATALOGUE)} and utility/<model>/<metric> with a model "
            f"of {', '.join(MODELS)}, a metric of {', '.join(UTILITY)} and perhaps suffixes of {', '.join(SUFFIXES)}"
        )
    return metric
