// The figures: curves, heat maps, quality against seconds. STATE holds what the filters chose.
const STATE = { text: "", dataset: "", missing: "", ratio: "", method: "", metric: "", off: new Set() };
const MOST_NUMBERS = 24;

const part = (id, selector) => document.getElementById(id).querySelector(selector);
const chosen = (key, number) => STATE[key] === "" || Number(STATE[key]) === number;
const measured = (run, number) => (run.metrics[number] ?? null) !== null;
// Of all datasets: the first that has a run of this choice.
const datasetNow = () => {
  if (STATE.dataset !== "") return Number(STATE.dataset);
  const run = DATA.runs.find((each) => chosen("missing", each.missing) && chosen("ratio", each.ratio) &&
    chosen("method", DATA.variants[each.variant].method) && measured(each, metricNow()));
  return run === undefined ? 0 : run.dataset;
};
const metricNow = () => Number(STATE.metric === "" ? Math.max(DATA.choices.metric.indexOf(DATA.main), 0) : STATE.metric);
const seen = (variant) => chosen("method", DATA.variants[variant].method) && !STATE.off.has("v" + variant);
const axisLabel = (name) => `${DATA.metrics[name].heading} (${DATA.metrics[name].good})`;

function legend(host, variants, references) {
  const entry = (key, label, drawing) => {
    const button = html("button", { type: "button", "aria-pressed": String(!STATE.off.has(key)), "data-series": key },
      svg("svg", { width: 28, height: 12, viewBox: "-14 -6 28 12", "aria-hidden": "true" }, ...drawing), label);
    button.addEventListener("click", () => {
      if (!STATE.off.delete(key)) STATE.off.add(key);
      drawFigures();
      part(host.parentElement.id, `[data-series="${key}"]`).focus();
    });
    return button;
  };
  host.replaceChildren(
    ...variants.map((i) => {
      const { label, color, dash, marker } = DATA.variants[i];
      return entry("v" + i, label, [
        svg("line", { x1: -14, x2: 14, stroke: color, "stroke-width": 2, "stroke-dasharray": dash }), mark(marker, color, 0, 0, null)]);
    }),
    ...references.map((i) => {
      const { label, color } = DATA.references[i];
      return entry("r" + i, label, [svg("line", { x1: -14, x2: 14, stroke: color, "stroke-width": 1.3, "stroke-dasharray": "3 3" })]);
    }),
  );
}

function drawCurve(layer, sx, sy, curve, aside, ends) {
  const [, reference, series, points] = curve;
  const { label, color, dash, marker } = reference ? DATA.references[series] : DATA.variants[series];
  const at = points.map(([ratio, mean, std, n]) => ({ x: sx(ratio) + aside, ratio, mean, std, n }));
  const path = (list) => "M" + list.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L");
  if (reference) {
    const line = at.length === 1 ? [[ends.left, sy(at[0].mean)], [ends.right, sy(at[0].mean)]] : at.map((p) => [p.x, sy(p.mean)]);
    const tip = `${label}\n${at.map((p) => `${p.ratio}: ${shown(p.mean)}`).join("\n")}`;
    layer.append(svg("path", { d: path(line), fill: "none", stroke: color, "stroke-width": 1.3, "stroke-dasharray": "3 3", "data-tip": tip }));
    return;
  }
  if (at.length > 1) {
    const band = [...at.map((p) => [p.x, sy(p.mean + p.std)]), ...at.toReversed().map((p) => [p.x, sy(p.mean - p.std)])];
    layer.append(svg("path", { d: path(band) + "Z", fill: color, opacity: 0.16 }));
    layer.append(svg("path", { d: path(at.map((p) => [p.x, sy(p.mean)])), fill: "none", stroke: color, "stroke-width": 2, "stroke-dasharray": dash }));
  } else {
    layer.append(svg("line", { x1: at[0].x, x2: at[0].x, y1: sy(at[0].mean - at[0].std), y2: sy(at[0].mean + at[0].std), stroke: color, "stroke-width": 1.6 }));
  }
  for (const p of at) {
    const spread = p.n > 1 ? ` ± ${shown(p.std)}` : "";
    layer.append(mark(marker, color, p.x, sy(p.mean), `${label}\nratio ${p.ratio}: ${shown(p.mean)}${spread} (n ${p.n})`));
  }
}

function drawCurves() {
  const name = DATA.choices.metric[metricNow()], dataset = DATA.choices.dataset[datasetNow()];
  const all = (name === undefined ? [] : DATA.datasets[datasetNow()].curves[metricNow()]).filter((curve) => chosen("missing", curve[0]));
  const shows = ([, reference, series]) => (reference ? !STATE.off.has("r" + series) : seen(series));
  const list = all.filter(shows);
  const host = part("curves", ".panels");
  host.replaceChildren();
  const series = (reference) => [...new Set(all.filter((c) => c[1] === reference).map((c) => c[2]))].sort((a, b) => a - b);
  legend(part("curves", ".legend"), series(0).filter((i) => chosen("method", DATA.variants[i].method)), series(1));
  part("curves", ".say").textContent = all.length === 0
    ? "No curve: no run of this choice has both a missing ratio and this metric."
    : `${name} on ${dataset}, mean over the seeds, shaded ± standard deviation. ${DATA.metrics[name].meaning}`;
  if (list.length === 0) return;
  const ratios = [...new Set(list.flatMap((curve) => curve[3].map((point) => point[0])))].sort((a, b) => a - b);
  const [low, high] = padded(list.flatMap(([, reference, , points]) => points.flatMap(([, mean, std]) => [mean - (reference ? 0 : std), mean + (reference ? 0 : std)])), 0.06);
  const room = ratios.length > 1 ? (ratios.at(-1) - ratios[0]) * 0.05 : 0.05;
  const x = { low: ratios[0] - room, high: ratios.at(-1) + room, ticks: ratios, label: "missing ratio" };
  const y = { low, high, ticks: ticks(low, high, 6), label: axisLabel(name) };
  const shownNow = series(0).filter(seen);
  const mechanisms = [...new Set(list.map((curve) => curve[0]))];
  const boxes = figures(host, mechanisms.map((i) => DATA.choices.missing[i]));
  mechanisms.forEach((missing, i) => {
    panel(boxes[i], DATA.choices.missing[missing], x, y, 250, (layer, sx, sy, ends) => {
      for (const curve of list.filter((c) => c[0] === missing)) {
        const aside = ratios.length > 1 || curve[1] ? 0 : (shownNow.indexOf(curve[2]) - (shownNow.length - 1) / 2) * 14;
        drawCurve(layer, sx, sy, curve, aside, ends);
      }
    });
  });
}

function heatTable(host, corner, heads, rows, floor) {
  const many = heads.length > MOST_NUMBERS;
  host.classList.toggle("many", many);
  const cell = (head, row, value) => value === null || value === undefined
    ? html("td", { class: "blank" })
    : html("td", { style: heat(value, floor), "data-tip": `${row} | ${head}\n${shown(value)}` }, many ? "" : value.toFixed(2));
  const top = html("tr", {}, html("th", { scope: "col" }, corner), ...heads.map((head) => html("th", { scope: "col" }, html("span", {}, head))));
  host.replaceChildren(html("table", {}, html("thead", {}, top), html("tbody", {}, ...rows.map(([name, values]) =>
    html("tr", {}, html("th", { scope: "row" }, name), ...values.map((value, j) => cell(heads[j], name, value)))))));
}

function fill(select, options) {
  const before = select.value;
  select.replaceChildren(...options.map(([value, label]) => html("option", { value }, label)));
  if (options.some(([value]) => String(value) === before)) select.value = before;
}

function drawHeat() {
  const { columns, maps, floor } = DATA.datasets[datasetNow()];
  const list = maps.filter((m) => chosen("missing", m.missing) && chosen("ratio", m.ratio) && chosen("method", DATA.variants[m.variant].method));
  const wide = part("heat", '[data-map="columns"]'), square = part("heat", '[data-map="pairs"]');
  const place = part("heat", '[data-pick="place"]'), variant = part("heat", '[data-pick="variant"]');
  part("heat", ".say").textContent = list.length === 0
    ? "No run of this choice has scores of columns."
    : `How well each column, and each pair of columns, of ${DATA.choices.dataset[datasetNow()]} is met: 1 is as in the real table. Mean over the seeds.`;
  part("heat", ".key").replaceChildren(String(floor), html("i", { style: `background:linear-gradient(90deg,${DATA.heat.join(",")})` }), "1");
  fill(place, [...new Set(list.map((m) => m.place))].map((name) => [name, name]));
  fill(variant, [...new Set(list.filter((m) => m.place === place.value).map((m) => m.variant))].map((i) => [i, DATA.variants[i].label]));
  wide.replaceChildren();
  square.replaceChildren();
  if (list.length === 0) return;
  heatTable(wide, "method, place", columns, list.map((m) => [`${DATA.variants[m.variant].label}, ${m.place}`, m.columns]), floor);
  const one = list.find((m) => m.place === place.value && m.variant === Number(variant.value));
  const at = (i, j) => (i === j ? null : one.pairs[(i * (2 * columns.length - i - 1)) / 2 + j - i - 1]);
  heatTable(square, "", columns, columns.map((name, i) => [name, columns.map((_, j) => at(Math.min(i, j), Math.max(i, j)))]), floor);
}

function drawSeconds() {
  const key = part("seconds", '[data-pick="time"]').value;
  const all = DATA.runs.filter((run) =>
    run.dataset === datasetNow() && chosen("missing", run.missing) && chosen("ratio", run.ratio) && run[key] > 0);
  const host = part("seconds", ".panels");
  host.replaceChildren();
  const variants = [...new Set(all.map((run) => run.variant))].sort((a, b) => a - b);
  legend(part("seconds", ".legend"), variants.filter((i) => chosen("method", DATA.variants[i].method)), []);
  const main = Math.max(DATA.choices.metric.indexOf(DATA.main), 0);
  const other = metricNow() !== main ? metricNow() : DATA.choices.metric.findIndex((name) => /^(detection|utility)\//.test(name));
  const list = all.filter((run) => seen(run.variant));
  part("seconds", ".say").textContent = all.length === 0 ? "No run of this choice has both." :
    `A point a run on ${DATA.choices.dataset[datasetNow()]}, seconds on a logarithmic scale; a click opens the folder of the run.`;
  const pointsOf = (number) => list.filter((run) => measured(run, number));
  const numbers = [...new Set([main, other])].filter((number) => pointsOf(number).length > 0);
  const boxes = figures(host, numbers.map((number) => DATA.choices.metric[number]));
  numbers.forEach((number, i) => {
    const name = DATA.choices.metric[number], points = pointsOf(number);
    const [left, right] = padded(points.map((run) => Math.log10(run[key])), 0.05).map((power) => 10 ** power);
    const [low, high] = padded(points.map((run) => run.metrics[number]), 0.06);
    const x = { low: left, high: right, ticks: logTicks(left, right), label: "seconds", log: true };
    const y = { low, high, ticks: ticks(low, high, 6), label: axisLabel(name) };
    panel(boxes[i], name, x, y, 300, (layer, sx, sy) => {
      for (const run of points) {
        const { label, color, marker } = DATA.variants[run.variant];
        const tip = `${label}, ${run.place}, seed ${run.seed}\n${shown(run.metrics[number])} in ${seconds(run[key])}`;
        layer.append(svg("a", { href: run.folder, opacity: 0.75, "aria-label": tip }, mark(marker, color, sx(run[key]), sy(run.metrics[number]), tip, 0.85)));
      }
    });
  });
}

function drawFigures() {
  drawCurves();
  drawHeat();
  drawSeconds();
}
