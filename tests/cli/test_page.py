"""The page of a sweep in a real browser, from a file and without a network."""

import shutil

import pytest

from src.results.page.page import page_text
from src.results.page.tables import paper_tables, setting_tables
from src.results.sweep.runs import read_runs
from tests.unit.results.sweep_factory import write_run, write_sweep

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.ui import Select  # noqa: E402

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


def show(browser, page, width):
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    )
    browser.get(page.as_uri())
    return browser


def choose(browser, key, text):
    Select(browser.find_element(By.CSS_SELECTOR, f'[data-filter="{key}"]')).select_by_visible_text(text)


def visible(browser, selector):
    return [element for element in browser.find_elements(By.CSS_SELECTOR, selector) if element.is_displayed()]


def column(browser, table, position):
    rows = browser.find_elements(By.CSS_SELECTOR, f"#{table} tbody tr")
    return [row.find_elements(By.CSS_SELECTOR, "th, td")[position].text for row in rows]


def silent(browser):
    return browser.get_log("browser") == []


def test_it_loads_without_a_word_on_the_console(opened):
    assert opened.title == ODD
    assert opened.find_element(By.TAG_NAME, "h1").text == ODD
    assert silent(opened)


def test_the_figures_are_of_a_dataset_that_has_the_choice(opened):
    choose(opened, "missing", "mar")
    assert "on own" in opened.find_element(By.CSS_SELECTOR, "#seconds .say").text
    assert visible(opened, "#seconds .panels svg")
    assert silent(opened)


def test_the_paper_s_numbers_have_all_their_digits(opened):
    text = opened.find_element(By.ID, "table_2").text
    assert "0.7948" in text
    assert "0.7845" in text


def test_a_point_in_focus_says_what_it_is(opened):
    point = opened.find_element(By.CSS_SELECTOR, "#seconds .panels a")
    opened.execute_script("arguments[0].focus()", point)
    tip = opened.find_element(By.ID, "tip")
    assert "seed" in point.get_attribute("aria-label")
    assert tip.text.split() == point.get_attribute("aria-label").split()


def test_a_click_and_a_key_sort_a_table_and_a_third_restores_it(opened):
    table = "census-fidelity-overall"
    first = column(opened, table, 0)
    assert first == ["row-0.2", "row-0.5", "independent-0.2", "independent-0.5"]
    header = opened.find_element(By.CSS_SELECTOR, f"#{table} thead th:nth-child(2)")
    assert header.text.startswith("missdiff")
    button = header.find_element(By.TAG_NAME, "button")
    button.click()
    assert header.get_attribute("aria-sort") == "ascending"
    means = [float(text.split()[0]) for text in column(opened, table, 1)]
    assert means == sorted(means)
    assert column(opened, table, 0) == ["row-0.5", "independent-0.5", "row-0.2", "independent-0.2"]
    button.send_keys(Keys.ENTER)
    assert header.get_attribute("aria-sort") == "descending"
    assert column(opened, table, 0) == ["row-0.2", "independent-0.2", "row-0.5", "independent-0.5"]
    button.click()
    assert header.get_attribute("aria-sort") == "none"
    assert column(opened, table, 0) == first


def test_cells_without_a_value_sort_last_in_both_directions(opened):
    table = "census-fidelity-overall"
    buttons = opened.find_elements(By.CSS_SELECTOR, f"#{table} thead button")
    (button,) = [button for button in buttons if button.text.startswith("diff_delete")]
    for order in (["independent-0.5", "independent-0.2"], ["independent-0.2", "independent-0.5"]):
        button.click()
        assert column(opened, table, 0) == [*order, "row-0.2", "row-0.5"]


def test_filters_hide_what_does_not_match_and_clear_brings_it_back(opened):
    n_tables, n_runs = len(visible(opened, "details.result")), len(visible(opened, ".runs tbody tr"))
    assert n_runs == 25
    choose(opened, "dataset", "own")
    assert {table.get_attribute("id") for table in visible(opened, "details.result")} == {
        "own-fidelity-overall",
        "own-utility-xgboost-accuracy",
        "own-detection-xgboost",
    }
    assert len(visible(opened, ".runs tbody tr")) == 1
    choose(opened, "dataset", "census")
    choose(opened, "ratio", "0.5")
    choose(opened, "metric", "fidelity/overall")
    assert [table.get_attribute("id") for table in visible(opened, "details.result")] == ["census-fidelity-overall"]
    assert [row.text for row in visible(opened, "#census-fidelity-overall tbody th")] == ["row-0.5", "independent-0.5"]
    choose(opened, "method", "diff_mean")
    heads = [head.text.split()[0] for head in visible(opened, "#census-fidelity-overall thead th:not(.ref)")]
    assert heads == ["setting", "diff_mean"]
    opened.find_element(By.CSS_SELECTOR, "#filters button[type=reset]").click()
    assert len(visible(opened, "details.result")) == n_tables
    assert len(visible(opened, ".runs tbody tr")) == n_runs
    assert silent(opened)


def test_words_and_switches_filter_too(opened):
    opened.find_element(By.CSS_SELECTOR, "input[type=search]").send_keys("Table 1 independent")
    (table,) = visible(opened, "details.result")
    assert [row.text for row in visible(opened, f"#{table.get_attribute('id')} tbody th")] == ["independent-0.2"]
    for switch, kind in (("paper", ".paper"), ("refs", ".ref")):
        assert visible(opened, f"details.result td{kind}")
        opened.find_element(By.CSS_SELECTOR, f"[data-toggle={switch}]").click()
        assert not visible(opened, f"details.result td{kind}")


def test_the_plots_are_drawn_and_follow_the_filters(opened):
    choose(opened, "dataset", "census")
    assert [head.text for head in visible(opened, "#curves figcaption")] == ["row", "independent"]
    for plot in opened.find_elements(By.CSS_SELECTOR, "#curves svg[role=img], #seconds svg[role=img]"):
        assert plot.size["width"] > 200
        assert plot.size["height"] > 200
    # row: 2 methods of 2 ratios, diff_delete has none; independent: 3 methods
    marks = [
        len(plot.find_elements(By.CSS_SELECTOR, "path[transform]")) for plot in visible(opened, "#curves svg[role=img]")
    ]
    assert marks == [4, 6]
    choose(opened, "missing", "row")
    assert [head.text for head in visible(opened, "#curves figcaption")] == ["row"]
    visible(opened, "#curves .legend button")[0].click()
    assert len(opened.find_elements(By.CSS_SELECTOR, "#curves svg[role=img] path[transform]")) == 2
    label = opened.find_element(By.CSS_SELECTOR, "#seconds svg[role=img]").get_attribute("aria-label")
    assert label.startswith("fidelity/overall")
    assert silent(opened)


def test_heat_maps_name_columns_as_they_are_and_mirror_the_pairs(opened):
    choose(opened, "dataset", "own")
    heads = [head.text for head in visible(opened, "[data-map=pairs] tbody th")]
    assert heads == [ODD, "x", "y"]
    cells = [cell.text for cell in opened.find_elements(By.CSS_SELECTOR, "[data-map=pairs] td")]
    assert cells == ["", "0.25", "", "0.25", "", "", "", "", ""]
    cells = [cell.text for cell in opened.find_elements(By.CSS_SELECTOR, "[data-map=columns] td")]
    assert cells == ["0.50", "0.90", "1.00"]
    assert silent(opened)


def test_a_seed_leads_to_the_folder_of_its_run(opened):
    link = opened.find_element(By.CSS_SELECTOR, "#census-fidelity-overall td small a")
    assert link.get_attribute("href").endswith("/census/row-0.2/missdiff/seed0/")
    assert link.get_attribute("title") == "../census/row-0.2/missdiff/seed0/"


def test_a_phone_does_not_scroll_sideways(browser, sweep_page):
    show(browser, sweep_page, 390)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 390
    bar = browser.find_element(By.ID, "bar")
    assert bar.get_attribute("open") is None
    bar.find_element(By.TAG_NAME, "summary").click()
    choose(browser, "dataset", "own")
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 390
    assert silent(browser)


@pytest.mark.parametrize("reason", [None, "no row is complete"])
def test_a_sweep_of_one_run_has_a_page_too(browser, tmp_path, reason):
    write_run(tmp_path, reason=reason)
    show(browser, write(tmp_path), 1300)
    assert len(visible(browser, ".runs tbody tr")) == 1
    assert len(visible(browser, "#curves svg[role=img]")) == (1 if reason is None else 0)
    assert silent(browser)


def test_the_tables_read_without_a_script(browser, sweep_page):
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        show(browser, sweep_page, 1300)
        assert visible(browser, "#census-fidelity-overall tbody td b")
        assert not visible(browser, "#bar, .script, th button")
        assert visible(browser, "noscript p")
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
