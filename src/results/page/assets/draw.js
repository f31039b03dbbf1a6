// Small tools to draw with: elements, scales, ticks, a panel with axes.
const DATA = JSON.parse(document.getElementById("data").textContent);

function make(space, tag, attributes, children) {
  const node = space ? document.createElementNS(space, tag) : document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) if (value !== null) node.setAttribute(key, value);
  node.append(...children);
  return node;
}
const html = (tag, attributes = {}, ...children) => make(null, tag, attributes, children);
const svg = (tag, attributes = {}, ...children) => make("http://www.w3.org/2000/svg", tag, attributes, children);

function shown(value) {
  const size = Math.abs(value);
  if (size === 0 || size >= 0.1) return value.toFixed(3);
  return value.toFixed(Math.min(2 - Math.floor(Math.log10(size)), 6));
}
const seconds = (value) => (value < 10 ? value.toFixed(1) : value.toFixed(0)) + " s";

function ticks(low, high, count) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= rough) * power;
  const found = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) found.push(Number((i * step).toPrecision(12)));
  return found;
}

function logTicks(low, high) {
  const all = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
    for (const factor of [1, 2, 5]) all.push(factor * 10 ** power);
  }
  const inside = all.filter((tick) => tick >= low && tick <= high);
  const round = inside.filter((tick) => Number.isInteger(Math.log10(tick)));
  return (inside.length > 6 && round.length > 1 ? round : inside).map((tick) => Number(tick.toPrecision(3)));
}

function padded(values, share) {
  const low = Math.min(...values), high = Math.max(...values);
  const room = (high - low) * share || Math.abs(high) * 0.05 || 0.05;
  return [low - room, high + room];
}

const SHAPES = {
  o: "M-4 0A4 4 0 1 0 4 0A4 4 0 1 0 -4 0Z",
  s: "M-3.6 -3.6H3.6V3.6H-3.6Z",
  "^": "M0 -4.6L4.4 3.4H-4.4Z",
  v: "M0 4.6L4.4 -3.4H-4.4Z",
  D: "M0 -5L5 0L0 5L-5 0Z",
  X: "M-4 -4L4 4M-4 4L4 -4",
};

function mark(shape, color, x, y, tip, size = 1) {
  const thin = shape === "X" ? { fill: "none", stroke: color, "stroke-width": 2.4 } : { fill: color };
  return svg("path", { d: SHAPES[shape], ...thin, transform: `translate(${x} ${y}) scale(${size})`, "data-tip": tip });
}

// Empty figures, all in place before the first is drawn: how many there are decides how wide they are.
function figures(host, titles) {
  const boxes = titles.map((title) => html("figure", {}, html("figcaption", {}, title)));
  host.replaceChildren(...boxes);
  return boxes;
}

// A panel: axes x and y are {low, high, ticks, label, log, text}; draw(layer, sx, sy) fills it in.
function panel(host, title, x, y, height, draw) {
  const width = Math.max(host.clientWidth, 200);
  const edge = { left: 52, right: 12, top: 8, bottom: 40 };
  const value = (axis, v) => (axis.log ? Math.log10(v) : v);
  const scale = (axis, from, to) => (v) =>
    from + ((value(axis, v) - value(axis, axis.low)) / (value(axis, axis.high) - value(axis, axis.low))) * (to - from);
  const sx = scale(x, edge.left, width - edge.right), sy = scale(y, height - edge.bottom, edge.top);
  const bottom = height - edge.bottom, right = width - edge.right;
  const root = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `${title}: ${y.label} against ${x.label}` });
  for (const tick of y.ticks) {
    root.append(svg("line", { class: "grid", x1: edge.left, x2: right, y1: sy(tick), y2: sy(tick) }));
    root.append(svg("text", { x: edge.left - 7, y: sy(tick) + 4, "text-anchor": "end" }, String(tick)));
  }
  for (const tick of x.ticks) {
    root.append(svg("line", { class: "axis", x1: sx(tick), x2: sx(tick), y1: bottom, y2: bottom + 4 }));
    root.append(svg("text", { x: sx(tick), y: bottom + 17, "text-anchor": "middle" }, x.text ? x.text(tick) : String(tick)));
  }
  root.append(svg("line", { class: "axis", x1: edge.left, x2: right, y1: bottom, y2: bottom }));
  root.append(svg("text", { x: (edge.left + right) / 2, y: height - 6, "text-anchor": "middle" }, x.label));
  root.append(svg("text", { transform: `translate(11 ${(edge.top + bottom) / 2}) rotate(-90)`, "text-anchor": "middle" }, y.label));
  const layer = svg("g");
  draw(layer, sx, sy, { left: edge.left, right });
  root.append(layer);
  host.append(root);
}

// Colours of the heat maps, the same as in the PNG files.
function heat(value, floor) {
  const at = Math.min(Math.max((value - floor) / (1 - floor), 0), 1) * (DATA.heat.length - 1);
  const i = Math.min(Math.floor(at), DATA.heat.length - 2);
  const parts = (color) => [1, 3, 5].map((k) => parseInt(color.slice(k, k + 2), 16));
  const [a, b] = [parts(DATA.heat[i]), parts(DATA.heat[i + 1])];
  const mixed = a.map((part, k) => Math.round(part + (b[k] - part) * (at - i)));
  const bright = 0.299 * mixed[0] + 0.587 * mixed[1] + 0.114 * mixed[2] > 135;
  return `background:rgb(${mixed.join(",")});color:${bright ? "#111" : "#fff"}`;
}
