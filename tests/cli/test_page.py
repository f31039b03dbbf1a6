"""The page of a sweep in a real browser, from a file and without a network."""

import shutil
import time

import pytest

from src.results.page.page import page_text
from src.results.page.tables import paper_tables, setting_tables
from src.results.sweep.runs import read_runs
from tests.unit.results.sweep_factory import write_run, write_sweep

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
QUIET = ("background-networking", "component-update", "sync", "gpu", "dev-shm-usage", "default-apps", "extensions")
ODD = "a<b> & \"c\" 'd' </script> | é"

pytestmark = pytest.mark.skipif(
    BROWSER is None or DRIVER is None, reason="no browser: install chromium and chromedriver to test the page"
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    profile = tmp_path_factory.mktemp("profile")
    switches = ["headless=new", "no-sandbox", "no-first-run", f"user-data-dir={profile}", "proxy-server=127.0.0.1:9"]
    for switch in (*switches, *(f"disable-{what}" for what in QUIET)):
        options.add_argument(f"--{switch}")
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def sweep_page(tmp_path_factory):
    root = tmp_path_factory.mktemp("sweep")
    write_sweep(root)
    write_run(root, "mar", 0.2, dataset="own", per_column={ODD: 0.5, "x": 0.9, "y": 1.0}, per_pair={f"{ODD} | x": 0.25})
    return write(root)


def write(root):
    runs = read_runs(root)
    page = root / "report" / "report.html"
    page.parent.mkdir()
    page.write_text(page_text(page.parent, runs, [*paper_tables(runs), *setting_tables(runs)], ODD), encoding="utf-8")
    return page


@pytest.fixture
def opened(browser, sweep_page):
    return show(browser, sweep_page, 1300)


def show(browser, page, width, has_scripts=True):
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    )
    browser.get(page.as_uri())
    if has_scripts:  # the last table has been made sortable
        becomes(lambda: len(browser.find_elements(By.CSS_SELECTOR, ".words .dt-column-order")) > 0, True)
    return browser


def pick(browser, chart, label):
    """Choose an entry of a figure's menu."""
    browser.find_element(By.CSS_SELECTOR, f"#{chart} .updatemenu-header").click()
    entries = f"#{chart} .updatemenu-dropdown-button"

    def entry():
        elements = browser.find_elements(By.CSS_SELECTOR, entries)
        return next((element for element in elements if element.get_attribute("textContent") == label), None)

    becomes(lambda: entry() is not None, True)
    browser.execute_script("arguments[0].dispatchEvent(new MouseEvent('click'))", entry())  # a long menu scrolls


def drawn(browser, chart, what):
    """What plotly holds of a figure, e.g. ``data[0].y``."""
    return browser.execute_script(f"return document.getElementById('{chart}').{what}")


def visible(browser, selector):
    return [element for element in browser.find_elements(By.CSS_SELECTOR, selector) if element.is_displayed()]


def column(browser, table, position):
    rows = browser.find_elements(By.CSS_SELECTOR, f"#{table} tbody tr")
    return [row.find_elements(By.CSS_SELECTOR, "th, td")[position].text for row in rows]


def heading(browser, table, name):
    heads = browser.find_elements(By.CSS_SELECTOR, f"#{table} thead th")
    return next(head for head in heads if head.get_attribute("textContent").startswith(name))


def becomes(read, expected):
    """The libraries redraw after the event; wait until what is read is as expected."""
    deadline = time.monotonic() + 10
    while (value := read()) != expected and time.monotonic() < deadline:
        time.sleep(0.05)
    assert value == expected


def silent(browser):
    return browser.get_log("browser") == []


def test_it_loads_without_a_word_on_the_console(opened):
    assert opened.title == ODD
    assert opened.find_element(By.TAG_NAME, "h1").text == ODD
    assert silent(opened)


def test_the_paper_s_numbers_have_all_their_digits(opened):
    text = opened.find_element(By.ID, "table_2").text
    assert "0.7948" in text
    assert "0.7845" in text


def test_a_click_and_a_key_sort_a_table_and_a_third_restores_it(opened):
    table = "census-fidelity-overall"
    first = column(opened, table, 0)
    assert first == ["row-0.2", "row-0.5", "independent-0.2", "independent-0.5"]
    header = heading(opened, table, "missdiff")
    button = header.find_element(By.CSS_SELECTOR, ".dt-column-order")
    button.click()
    becomes(lambda: header.get_attribute("aria-sort"), "ascending")
    means = [float(text.split()[0]) for text in column(opened, table, 1)]
    assert means == sorted(means)
    assert column(opened, table, 0) == ["row-0.5", "independent-0.5", "row-0.2", "independent-0.2"]
    button.send_keys(Keys.ENTER)
    becomes(lambda: header.get_attribute("aria-sort"), "descending")
    assert [float(text.split()[0]) for text in column(opened, table, 1)] == means[::-1]
    button.click()
    becomes(lambda: header.get_attribute("aria-sort"), None)
    assert column(opened, table, 0) == first


def test_cells_without_a_value_sort_last_in_both_directions(opened):
    table = "census-fidelity-overall"
    button = heading(opened, table, "diff_delete").find_element(By.CSS_SELECTOR, ".dt-column-order")
    for order in (["independent-0.5", "independent-0.2"], ["independent-0.2", "independent-0.5"]):
        button.click()
        becomes(lambda: column(opened, table, 0)[:2], order)


def test_words_filter_the_rows_and_a_menu_hides_columns(opened):
    result = opened.find_element(By.ID, "census-fidelity-overall")
    result.find_element(By.CSS_SELECTOR, "input[type=search]").send_keys("independent")
    becomes(lambda: column(opened, "census-fidelity-overall", 0), ["independent-0.2", "independent-0.5"])
    result.find_element(By.CSS_SELECTOR, ".buttons-colvis").click()
    entries = visible(opened, ".buttons-columnVisibility")
    next(entry for entry in entries if entry.text == "diff_mean").click()
    heads = "#census-fidelity-overall thead th:not(.ref)"
    becomes(lambda: [head.text.split()[0] for head in visible(opened, heads)], ["setting", "missdiff", "diff_delete"])
    assert silent(opened)


def test_runs_are_chosen_by_their_setting(opened):
    assert len(visible(opened, ".runs tbody tr")) == 25
    heading(opened, "runs", "dataset").find_element(By.CSS_SELECTOR, ".dtcc-button_dropdown").click()
    becomes(lambda: [choice.text for choice in visible(opened, ".dtcc-list-buttons button")], ["census", "own"])
    visible(opened, ".dtcc-list-buttons button")[1].click()
    becomes(lambda: len(visible(opened, ".runs tbody tr")), 1)
    (run,) = visible(opened, ".runs tbody tr")
    assert run.text.split()[:3] == ["missdiff", "own", "mar"]
    assert silent(opened)


def test_the_plots_follow_their_menus_and_legends(opened):
    assert drawn(opened, "chart-curves", "layout.annotations.map((title) => title.text)") == [
        "row",
        "independent",
        "mar",
    ]
    assert drawn(opened, "chart-curves", "layout.title.text") == "fidelity/overall on census"
    # row: diff_delete has no number
    points = drawn(opened, "chart-curves", "data.map((series) => series.x.length)")
    assert points == [2, 0, 2, 2, 2, 2, 2, 2, 2, 2, 0, 0, 0, 0, 0]
    pick(opened, "chart-curves", "own: fidelity/overall")
    becomes(lambda: drawn(opened, "chart-curves", "layout.title.text"), "fidelity/overall on own")
    assert drawn(opened, "chart-curves", "data.map((series) => series.x.length)") == [0] * 10 + [1, 0, 0, 1, 1]
    for plot in opened.find_elements(By.CSS_SELECTOR, ".plotly-graph-div"):
        assert plot.size["width"] > 200
        assert plot.size["height"] > 200
    pick(opened, "chart-seconds", "own: detection/xgboost")
    becomes(lambda: [y for y in drawn(opened, "chart-seconds", "data.map((series) => series.y)") if y], [[0.4]])
    assert silent(opened)


def test_heat_maps_name_columns_as_they_are(opened):
    pick(opened, "chart-columns", "own")
    ticks = "#chart-columns .xtick text"
    becomes(lambda: [tick.text for tick in opened.find_elements(By.CSS_SELECTOR, ticks)], [ODD, "x", "y"])
    assert drawn(opened, "chart-columns", "data[0].z") == [[0.5, 0.9, 1]]
    pick(opened, "chart-pairs", "own: missdiff, mar-0.2")
    becomes(lambda: drawn(opened, "chart-pairs", "data[0].z"), [[None] * 3, [0.25, None, None], [None] * 3])
    assert silent(opened)


def test_a_seed_leads_to_its_run_and_the_run_to_its_folder(opened):
    link = opened.find_element(By.CSS_SELECTOR, "#census-fidelity-overall td small a")
    run = opened.find_element(By.ID, link.get_attribute("href").partition("#")[2])
    folder = run.find_element(By.TAG_NAME, "a").get_attribute("href")
    assert folder.endswith("/census/row-0.2/missdiff/seed0/")


def test_a_phone_does_not_scroll_sideways(browser, sweep_page):
    show(browser, sweep_page, 390)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 390
    assert drawn(browser, "chart-curves", "offsetWidth") <= 390
    assert silent(browser)


@pytest.mark.slow
@pytest.mark.parametrize("reason", [None, "no row is complete"])
def test_a_sweep_of_one_run_has_a_page_too(browser, tmp_path, reason):
    write_run(tmp_path, reason=reason)
    show(browser, write(tmp_path), 1300)
    assert len(visible(browser, ".runs tbody tr")) == 1
    assert len(visible(browser, "#curves .plotly-graph-div")) == (1 if reason is None else 0)
    assert silent(browser)


def test_the_tables_read_without_a_script(browser, sweep_page):
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        show(browser, sweep_page, 1300, has_scripts=False)
        becomes(lambda: len(visible(browser, "#census-fidelity-overall tbody td b")), 4)
        assert not visible(browser, ".dt-search, .plotly-graph-div svg")
        assert visible(browser, "noscript p")
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
