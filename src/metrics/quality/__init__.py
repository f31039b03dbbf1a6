"""How like the real table a synthetic one is: marginals, dependence, coverage, privacy, holes."""
