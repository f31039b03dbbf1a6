"""``python -m src.report``: the tables of a sweep beside the paper's numbers.

See ``python -m src.report --help``.
"""

from pathlib import Path

from omegaconf import DictConfig


def check(cfg: DictConfig, local_sweep: bool) -> None:
    """Refuse a bad request; see :class:`src.config.requests.ReportRequest`."""
    from src.config.requests import build_logger, build_report_request

    build_report_request(cfg)
    build_logger(cfg)


def job(cfg: DictConfig) -> None:
    """Report on one sweep."""
    from src.config.requests import build_logger, build_report_request
    from src.results.mirror.upload import upload_report
    from src.results.page.card import write_card
    from src.results.page.page import write_page
    from src.results.page.sweep_report import report_summary, write_report, write_results
    from src.results.page.tables import figure_1, paper_tables, setting_tables
    from src.results.sweep.runs import read_runs, run_folders
    from src.results.sweep.selection import as_trained

    request = build_report_request(cfg)
    if request.card is not None:
        print(f"model card       {write_card(Path(request.card))}")
        return
    runs = read_runs(*request.roots)
    n_unfinished = sum(len(run_folders(root)[1]) for root in request.roots)
    paper, others = [*paper_tables(runs), *figure_1(runs)], setting_tables(runs)
    title = f"Report of {', '.join(map(str, request.roots))}"
    written = write_report(request.folder, runs, paper, others, title)
    page, *figures = write_page(request.folder, as_trained(runs), [*paper, *others], title)
    print(report_summary(runs, n_unfinished, paper, others))
    print(f"page                  {page}\nfigures               {len(figures)} in {request.folder / 'figures'}")
    print(f"report                {written[0]}\nalso there            cells.csv, runs.csv, latex/report.tex")
    if request.results is not None:
        from src.commands.reproduce import departures

        departed = departures(runs)
        results = write_results(Path(request.results), runs, paper, others, request.roots, figures, departed)
        print(f"page of the paper     {results}")
    upload_report(build_logger(cfg), request.folder, runs, [*paper, *others], [*written, page, *figures])
