// Sorting, filtering and folding of the tables, tips, and the start of it all.
function sortBy(table, column, header) {
  const next = { none: "ascending", ascending: "descending", descending: "none" }[header.getAttribute("aria-sort") || "none"];
  for (const other of table.tHead.rows[0].cells) other.setAttribute("aria-sort", "none");
  header.setAttribute("aria-sort", next);
  const body = table.tBodies[0];
  const rows = [...body.rows];
  rows.forEach((row, i) => { row.dataset.first ??= i; });
  const numeric = rows.some((row) => row.cells[column].dataset.v !== undefined);
  const key = (row) => {
    const cell = row.cells[column];
    if (numeric) return cell.dataset.v === undefined ? null : Number(cell.dataset.v);
    return cell.textContent.trim() || null;
  };
  const compare = (a, b) => (numeric ? a - b : a.localeCompare(b, "en", { numeric: true }));
  const sign = next === "descending" ? -1 : 1;
  rows.sort((a, b) => a.dataset.first - b.dataset.first);
  if (next !== "none") {
    const keys = new Map(rows.map((row) => [row, key(row)]));
    rows.sort((one, two) => {
      const [a, b] = [keys.get(one), keys.get(two)];
      if (a === null || b === null) return (a === null) - (b === null);
      return sign * compare(a, b);
    });
  }
  body.append(...rows);
}

function makeSortable(table) {
  [...table.tHead.rows[0].cells].forEach((header, column) => {
    const button = html("button", { type: "button" });
    button.append(...header.childNodes);
    header.append(button);
    header.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => sortBy(table, column, header));
  });
}

function passes(element, key) {
  const codes = element.dataset[key];
  return codes === undefined || STATE[key] === "" || codes.split(" ").includes(STATE[key]);
}

function hideColumns(table) {
  let hidden = false;
  [...table.tHead.rows[0].cells].forEach((header, column) => {
    if (!header.classList.contains("paper")) hidden = !passes(header, "method");
    if (header.hidden === hidden) return;
    header.hidden = hidden;
    for (const row of table.tBodies[0].rows) row.cells[column].hidden = hidden;
  });
}

function filterRows(table, words, title) {
  let count = 0;
  for (const row of table.tBodies[0].rows) {
    row.dataset.text ??= (row.cells[0].textContent + " " + (row.dataset.method === undefined ? "" : row.textContent)).toLowerCase();
    const text = title + " " + row.dataset.text;
    const keep = ["dataset", "missing", "ratio", "method", "metric"].every((key) => passes(row, key)) && words.every((word) => text.includes(word));
    row.hidden = !keep;
    count += keep;
  }
  return count;
}

function applyFilters() {
  const words = STATE.text.toLowerCase().split(/\s+/).filter(Boolean);
  const results = [...document.querySelectorAll("details.result")];
  let rows = 0, tables = 0;
  for (const result of results) {
    const table = result.querySelector("table");
    const title = (result.querySelector("h3").textContent + " " + result.id).toLowerCase();
    hideColumns(table);
    const kept = passes(result, "metric") ? filterRows(table, words, title) : 0;
    result.hidden = kept === 0;
    if (kept > 0 && STATE.metric !== "" && result.dataset.metric !== undefined) result.open = true;
    rows += kept;
    tables += kept > 0;
  }
  const runs = filterRows(document.querySelector(".runs table"), words, "");
  filterRows(document.querySelector(".words table"), [], "");
  document.querySelector("#filters output").textContent =
    `${tables} of ${results.length} tables, ${rows} rows, ${runs} of ${DATA.runs.length} runs`;
}

function startFilters() {
  const form = document.getElementById("filters");
  const changed = (event) => {
    const { filter, toggle } = event.target.dataset;
    if (toggle) document.body.classList.toggle("no-" + toggle, !event.target.checked);
    if (!filter || STATE[filter] === event.target.value) return;
    STATE[filter] = event.target.value;
    applyFilters();
    if (filter !== "text") drawFigures();
  };
  form.addEventListener("input", changed);
  form.addEventListener("change", changed);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => {
    for (const key of ["text", "dataset", "missing", "ratio", "method", "metric"]) STATE[key] = "";
    STATE.off.clear();
    document.body.classList.remove("no-paper", "no-refs");
    applyFilters();
    drawFigures();
  });
  // A browser may bring back a form as it was left: start from what it says.
  form.reset();
}

function startTips() {
  const tip = document.getElementById("tip");
  const show = (target, text) => {
    tip.textContent = text;
    tip.hidden = false;
    const box = target.getBoundingClientRect(), own = tip.getBoundingClientRect();
    const above = box.top - own.height - 8;
    tip.style.left = `${Math.max(6, Math.min(box.left + box.width / 2 - own.width / 2, innerWidth - own.width - 6))}px`;
    tip.style.top = `${above > 4 ? above : box.bottom + 8}px`;
  };
  document.addEventListener("pointerover", (event) => {
    const target = event.target.closest("[data-tip]");
    if (target) show(target, target.dataset.tip);
    else tip.hidden = true;
  });
  const showFocused = () => {
    const target = document.activeElement?.closest("a")?.querySelector("[data-tip]");
    if (target) show(target, target.dataset.tip);
    else tip.hidden = true;
  };
  document.addEventListener("focusin", showFocused);
  // Where nothing hovers, a tap shows what the browser would show of a title.
  document.addEventListener("click", (event) => {
    const target = event.target.closest("td [title], td[title]");
    if (target && target.title) show(target, target.title);
  });
  addEventListener("scroll", showFocused, { passive: true });
}

function startLinks() {
  for (const link of document.querySelectorAll('td small a[href^="#r"]')) {
    const { folder } = DATA.runs[Number(link.hash.slice(2))];
    link.href = folder;
    link.title = decodeURIComponent(folder);
  }
}

function start() {
  for (const element of document.querySelectorAll("#bar, .script")) element.hidden = false;
  document.getElementById("bar").open = innerWidth > 700;
  startLinks();
  document.querySelectorAll("details.result table, .runs table, .words table").forEach(makeSortable);
  for (const button of document.querySelectorAll("[data-fold]")) {
    button.addEventListener("click", () => {
      for (const result of document.querySelectorAll("details.result")) result.open = button.dataset.fold === "open";
    });
  }
  for (const select of document.querySelectorAll('#heat [data-pick]')) select.addEventListener("change", drawHeat);
  part("seconds", '[data-pick="time"]').addEventListener("change", drawSeconds);
  startTips();
  startFilters();
  let width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth === width) return;
    width = innerWidth;
    drawFigures();
  });
  addEventListener("beforeprint", () => {
    for (const result of document.querySelectorAll("details.result")) result.open = true;
  });
}

start();
