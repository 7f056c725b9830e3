"use strict";
/* The report's page: everything it shows comes from one JSON document. Names are set as text,
   never as markup; Plotly reads a little markup in labels, so those are escaped for it. */

const data = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const dark = matchMedia("(prefers-color-scheme: dark)");
const STATES = ["feasible", "infeasible", "failed"];
// Okabe and Ito's palette: told apart by readers with any colour vision; shapes differ too.
const LOOK = {
  feasible: { color: "#8d99a6", symbol: "circle", size: 6 },
  infeasible: { color: "#d55e00", symbol: "x-thin-open", size: 7 },
  front: { color: "", symbol: "diamond", size: 10 },
};
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// ---------------------------------------------------------------- data
function numbers(text, kind) {
  const raw = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  return new kind(raw.buffer);
}
const count = data.count;
const state_of = numbers(data.state, Uint8Array);
const on_front = numbers(data.on_front, Uint8Array);
const trial_of = numbers(data.trial, Int32Array);
const columns = new Map();
for (const c of data.columns) {
  const values = numbers(c.values, Float32Array);
  columns.set(c.name, { ...c, values, read: (i) => (c.texts ? c.texts[values[i]] : values[i]) });
}
const metrics = [...columns.values()].filter((c) => c.group === "metric");
const parameters = [...columns.values()].filter((c) => c.group === "parameter");
const row_of = new Map(Array.from(trial_of, (trial, row) => [trial, row]));

const escaped = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
const PREFIX = [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"], [1, ""], [1e-3, "m"], [1e-6, "µ"], [1e-9, "n"], [1e-12, "p"], [1e-15, "f"], [1e-18, "a"]];
const PREFIXED = new Set(["s", "Hz", "W", "J", "F", "V", "m", "g"]);
const prefixed = (c) => c.prefixed ?? PREFIXED.has(c.unit);

function shown(column, value) {
  if (typeof value === "string") return value;
  if (value === null || Number.isNaN(value)) return "–";
  if (column.texts) return String(column.texts[value]);
  const unit = column.unit;
  if (unit === "m2") return value >= 1e-8 ? `${short(value * 1e6)} mm²` : `${short(value * 1e12)} µm²`;
  if (/^kg(\/|$)/.test(unit) && value !== 0 && Math.abs(value) < 1) return shown({ unit: unit.slice(1), prefixed: true }, 1e3 * value);
  if (!prefixed(column)) return unit && unit !== "1" && unit !== "-" ? `${short(value)} ${unit}` : short(value);
  const size = Math.abs(value);
  const [scale, letter] = PREFIX.find(([s]) => size >= s * 0.9999999) || (size === 0 ? [1, ""] : PREFIX.at(-1));
  return `${short(value / scale)} ${letter}${unit}`;
}
const short = (value) => (Number.isInteger(value) && Math.abs(value) < 1e6 ? String(value) : String(Number(value.toPrecision(4))));
const heading = (c) => (c.unit && c.unit !== "1" && c.unit !== "-" ? `${c.label} [${c.unit}]` : c.label);

// ---------------------------------------------------------------- what is chosen
const view = {
  x: data.objectives[0].name,
  y: (data.objectives[1] || data.objectives[0]).name,
  z: data.objectives.length > 2 ? data.objectives[2].name : "",
  three: false, front_only: false, infeasible: true,
  filters: new Map(), brushed: null, selected: null, chosen: [], sort: null,
};
function passes(row) {
  for (const [name, allowed] of view.filters) if (!allowed.has(columns.get(name).values[row])) return false;
  return true;
}
function visible(row) {
  if (state_of[row] === 2 || !passes(row)) return false;
  if (view.front_only && !on_front[row]) return false;
  return view.infeasible || state_of[row] !== 1;
}
function rows(test) {
  const found = [];
  for (let row = 0; row < count; row++) if (test(row)) found.push(row);
  return found;
}
const linked = (row) => visible(row) && (!view.brushed || view.brushed.has(row)) && (!view.selected || view.selected.has(row));

// ---------------------------------------------------------------- drawing
function layout(extra) {
  const ink = css("--ink"), line = css("--line");
  const axis = { gridcolor: line, zerolinecolor: line, linecolor: line, automargin: true };
  return {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: ink, family: "system-ui, sans-serif", size: 12 },
    margin: { l: 60, r: 15, t: 25, b: 50 }, xaxis: { ...axis }, yaxis: { ...axis },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: css("--quiet"), activecolor: ink },
    legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0, traceorder: "normal" }, ...extra,
    ...(extra.xaxis ? { xaxis: { ...axis, ...extra.xaxis } } : {}),
    ...(extra.yaxis ? { yaxis: { ...axis, ...extra.yaxis } } : {}),
  };
}
// plotly_local.py says why.
const config = { displaylogo: false, responsive: true, showSendToCloud: false, modeBarButtonsToRemove: ["toImage", "sendChartToCloud"] };
const webgl = (() => { try { return !!document.createElement("canvas").getContext("webgl"); } catch { return false; } })();

function extent(values) {
  let cmin = Infinity, cmax = -Infinity;
  for (const v of values) if (Number.isFinite(v)) { cmin = Math.min(cmin, v); cmax = Math.max(cmax, v); }
  return { cmin, cmax };
}
// A failed point may have got no value of some parameters.
const distinct = (c) => [...new Set(c.values.filter((v, row) => state_of[row] !== 2 && Number.isFinite(v)))].sort((a, b) => a - b);
function wide(values) {
  const { cmin, cmax } = extent(values);
  return cmin > 0 && cmax / cmin > 20;
}
function title(name) {
  const c = columns.get(name), one = data.objectives.find((o) => o.name === name);
  return escaped(heading(c) + (one ? (one.minimize ? " — less is better" : " — more is better") : ""));
}
function hover(row) {
  const parts = parameters.map((c) => `${escaped(c.name)} = ${escaped(shown(c, c.values[row]))}`);
  const values = data.objectives.map((o) => `<b>${escaped(columns.get(o.name).label)} ${escaped(shown(columns.get(o.name), columns.get(o.name).values[row]))}</b>`);
  return [`trial ${trial_of[row]}`, ...values, ...parts].join("<br>");
}
function groups() {
  const shown_rows = rows(visible), of = { infeasible: [], feasible: [], front: [] };
  for (const row of shown_rows) of[on_front[row] ? "front" : STATES[state_of[row]]].push(row);
  return of;
}
function drawFront() {
  const x = columns.get(view.x), y = columns.get(view.y), z = view.z ? columns.get(view.z) : null;
  const three = view.three && z && webgl, traces = [], of = groups();
  const total = of.front.length + of.feasible.length + of.infeasible.length;
  const type = three ? "scatter3d" : webgl && total > 1500 ? "scattergl" : "scatter";
  for (const [name, members] of Object.entries(of)) {
    if (!members.length) continue;
    const look = LOOK[name];
    const marker = { color: look.color || css("--accent"), symbol: three ? (name === "front" ? "diamond" : "circle") : look.symbol, size: three ? look.size / 2 : look.size };
    if (total > 1500 && name !== "front") marker.size -= 2;
    if (look.symbol.endsWith("open")) marker.line = { width: 2, color: look.color };
    else if (name === "front") marker.line = { width: 0.8, color: css("--quiet") };
    marker.opacity = three ? 1 : members.map((row) => (linked(row) ? 1 : 0.12));
    if (z && !three && name === "front") Object.assign(marker, {
      color: members.map((row) => z.values[row]), colorscale: "Viridis", showscale: true,
      ...extent(members.map((row) => z.values[row])),
      colorbar: { title: { text: escaped(heading(z)), side: "right" }, thickness: 12 },
    });
    const trace = {
      type, mode: "markers", name: `${name} (${members.length})`, marker, customdata: members,
      x: members.map((row) => x.values[row]), y: members.map((row) => y.values[row]),
      text: members.map(hover), hovertemplate: "%{text}<extra></extra>",
    };
    if (three) trace.z = members.map((row) => z.values[row]);
    for (const [axis, c] of [["error_x", x], ["error_y", y]]) {
      const spread = columns.get(`${c.name}_std`);
      if (spread && !three) trace[axis] = { type: "data", array: members.map((row) => spread.values[row]), thickness: 1 };
    }
    traces.push(trace);
  }
  for (const row of view.chosen) if (!three) traces.push({
    type: "scatter", mode: "markers+text", x: [x.values[row]], y: [y.values[row]], showlegend: false, hoverinfo: "skip",
    text: [row === view.chosen[0] ? "A" : "B"], textposition: "top center",
    marker: { symbol: "circle-open", size: 18, color: "#cc79a7", line: { width: 3 } },
  });
  const shapes = [];
  for (const limit of data.limits) for (const bound of [limit.minimum, limit.maximum]) {
    if (bound === null || three) continue;
    if (limit.metric === view.x) shapes.push({ type: "line", x0: bound, x1: bound, y0: 0, y1: 1, yref: "paper", line: { dash: "dash", color: "#d55e00" } });
    if (limit.metric === view.y) shapes.push({ type: "line", y0: bound, y1: bound, x0: 0, x1: 1, xref: "paper", line: { dash: "dash", color: "#d55e00" } });
  }
  const axis = (name) => { // ticks carry the unit, so that "4p" does not stand alone
    const c = columns.get(name), log = wide(c.values), { cmin, cmax } = extent(c.values);
    return {
      title: { text: title(name) }, type: log ? "log" : "linear", exponentformat: "SI",
      ...(log && cmax / cmin < 1e3 ? { dtick: "D2" } : {}),
      ...(prefixed(c) ? { ticksuffix: escaped(c.unit) } : {}),
    };
  };
  const extra = three
    ? { scene: { xaxis: axis(view.x), yaxis: axis(view.y), zaxis: axis(view.z) }, margin: { l: 0, r: 0, t: 25, b: 0 } }
    : { xaxis: axis(view.x), yaxis: axis(view.y), shapes };
  // The best of each objective and the knee bear their names; annotations neither move the axes nor are selected.
  const named = three ? [] : (data.designs || []).map(([label, trial]) => [label, row_of.get(trial)]).filter(([, row]) => row !== undefined && visible(row));
  const placed = (of, c, row) => (extra[of].type === "log" ? Math.log10(c.values[row]) : c.values[row]);
  extra.annotations = named.map(([label, row]) => ({ x: placed("xaxis", x, row), y: placed("yaxis", y, row), text: escaped(label), showarrow: false, yshift: -14, font: { size: 11, color: css("--quiet") } }));
  for (const shape of shapes) for (const axis of ["x", "y"]) // shapes on a log axis are placed by its logarithm
    if (shape[`${axis}ref`] !== "paper" && extra[`${axis}axis`].type === "log") for (const end of ["0", "1"]) shape[axis + end] = Math.log10(shape[axis + end]);
  const plot = $("front-plot");
  Plotly.react(plot, traces, layout({ ...extra, dragmode: three ? "orbit" : "zoom", hovermode: "closest", uirevision: `${view.x} ${view.y} ${view.z} ${three}` }), config);
  if (!plot.wired) {
    plot.wired = true;
    plot.on("plotly_click", (event) => { const at = event.points[0]; if (at.data.customdata) choose(at.data.customdata[at.pointNumber], event.event && event.event.shiftKey); });
    plot.on("plotly_selected", (event) => {
      view.selected = event && event.points.length ? new Set(event.points.filter((p) => p.data.customdata).map((p) => p.data.customdata[p.pointNumber])) : null;
      refresh("front");
    });
    plot.on("plotly_deselect", () => { view.selected = null; refresh("front"); });
  }
}
const FRONT_LINES = 800, OTHER_LINES = 700;
function some(members, most) { // evenly spaced, at most so many
  return members.length <= most ? members : Array.from({ length: most }, (_, at) => members[Math.floor((at * members.length) / most)]);
}
function drawParallel() {
  const plot = $("parallel-plot");
  if (!webgl) { plot.textContent = "This browser has no WebGL, which parallel coordinates need."; return; }
  const every = rows((row) => visible(row) && (!view.selected || view.selected.has(row)));
  const members = [...some(every.filter((row) => !on_front[row]), OTHER_LINES), ...some(every.filter((row) => on_front[row]), FRONT_LINES)];
  plot.every = every;
  $("parallel-count").textContent = members.length < every.length ? `${members.length} of ${every.length} points drawn; what you brush holds for all.` : "";
  const varied = parameters.filter((c) => distinct(c).length > 1), same = parameters.filter((c) => distinct(c).length === 1);
  $("parallel-same").textContent = same.length ? `The same in every point: ${same.map((c) => `${c.label} ${shown(c, distinct(c)[0])}`).join(", ")}.` : "";
  const names = [...varied.map((c) => c.name), ...data.objectives.map((o) => o.name).filter((n) => !parameters.some((c) => c.name === n))];
  const dimensions = names.map((name) => {
    const c = columns.get(name), log = !c.texts && wide(c.values), values = members.map((row) => (log ? Math.log10(c.values[row]) : c.values[row]));
    const one = { label: escaped(c.label), values, name, log };
    const ticks = c.texts || c.group === "parameter" ? distinct(c) : null;
    if (ticks && ticks.length <= 12) { one.tickvals = log ? ticks.map(Math.log10) : ticks; one.ticktext = ticks.map((t) => escaped(shown(c, t))); }
    else if (log && values.length) {
      const low = Math.min(...values), high = Math.max(...values);
      one.tickvals = Array.from({ length: 5 }, (_, i) => low + ((high - low) * i) / 4); one.ticktext = one.tickvals.map((t) => escaped(shown(c, 10 ** t)));
    } else if (values.length) {
      const low = Math.min(...values), high = Math.max(...values);
      one.tickvals = Array.from({ length: 5 }, (_, i) => low + ((high - low) * i) / 4); one.ticktext = one.tickvals.map((t) => escaped(shown(c, t)));
    }
    return one;
  });
  const widest = Math.max(6, ...(dimensions[0].ticktext || []).map((text) => text.length)); // in letters
  view.brushed = null;
  plot.style.minWidth = `${4.2 * names.length}rem`; // narrower than this labels run into each other
  Plotly.react(plot, [{
    type: "parcoords", dimensions, customdata: members, labelangle: names.length > 8 ? -18 : 0,
    line: { color: members.map((row) => (on_front[row] ? 1 : 0)), colorscale: [[0, "#9aa5b1"], [1, css("--accent")]], cmin: 0, cmax: 1 },
    unselected: { line: { opacity: 0.06 } }, tickfont: { size: 10, color: css("--ink") }, rangefont: { size: 1, color: "rgba(0,0,0,0)" },
  }], layout({ paper_bgcolor: css("--paper"), margin: { l: 20 + 6 * widest, r: 45, t: 60, b: 20 } }), config);
  if (!plot.wired) {
    plot.wired = true;
    plot.on("plotly_restyle", () => { brush(plot.data[0].dimensions, plot.every); refresh("parallel"); });
  }
}
function brush(dimensions, every) {
  const active = dimensions.filter((d) => d.constraintrange).map((d) => ({
    ranges: Array.isArray(d.constraintrange[0]) ? d.constraintrange : [d.constraintrange],
    log: d.log, values: columns.get(d.name).values,
  }));
  view.brushed = !active.length ? null : new Set(every.filter((row) => active.every((d) => {
    const value = d.log ? Math.log10(d.values[row]) : d.values[row];
    return d.ranges.some(([low, high]) => value >= low && value <= high);
  })));
}
function element(tag, text, attributes = {}) {
  const made = document.createElement(tag);
  if (text !== undefined && text !== null) made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}
const SHOWN_ROWS = 200;
function drawTable() {
  const members = rows((row) => on_front[row] && linked(row));
  const names = [...data.objectives.map((o) => o.name), ...parameters.filter((c) => distinct(c).length > 1).map((c) => c.name).filter((n) => !data.objectives.some((o) => o.name === n))];
  const sort = view.sort || { name: data.objectives[0].name, up: data.objectives[0].minimize };
  const by = columns.get(sort.name).values;
  members.sort((a, b) => (sort.up ? by[a] - by[b] : by[b] - by[a]));
  const table = $("front-table"), head = element("tr"), body = element("tbody");
  head.append(element("th", "trial"));
  for (const name of names) {
    const cell = element("th"), button = element("button", columns.get(name).label);
    cell.setAttribute("aria-sort", sort.name === name ? (sort.up ? "ascending" : "descending") : "none");
    button.onclick = () => { view.sort = { name, up: sort.name === name ? !sort.up : true }; drawTable(); };
    cell.append(button); head.append(cell);
  }
  for (const row of members.slice(0, SHOWN_ROWS)) {
    const line = element("tr", null, view.chosen.includes(row) ? { class: "chosen" } : {}), cell = element("td");
    const open = element("button", String(trial_of[row]), { "aria-label": `open trial ${trial_of[row]}` });
    open.onclick = (event) => choose(row, event.shiftKey);
    cell.append(open);
    if (data.ties && data.ties[trial_of[row]]) cell.append(element("span", ` ≈ ${data.ties[trial_of[row]].join(", ")}`, { title: "statistically tied with" }));
    line.append(cell);
    for (const name of names) line.append(element("td", shown(columns.get(name), columns.get(name).values[row])));
    body.append(line);
  }
  const thead = element("thead"); thead.append(head);
  table.replaceChildren(thead, body);
  $("front-count").textContent = members.length > SHOWN_ROWS ? `${SHOWN_ROWS} of ${members.length} points on the front; filter to see others.` : `${members.length} points on the front.`;
}

// ---------------------------------------------------------------- one point, or two side by side
function choose(row, second) {
  view.chosen = second && view.chosen.length ? [view.chosen[0], row] : [row];
  drawFront(); drawTable(); drawPoints();
  $("points-heading").scrollIntoView({ block: "start", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  location.replace(`#trial=${view.chosen.map((r) => trial_of[r]).join(",")}`);
}
async function detailOf(row) {
  const trial = trial_of[row];
  if (data.details[trial]) return data.details[trial];
  if (!data.live) return null;
  try {
    const answer = await fetch(`detail/${trial}`);
    data.details[trial] = await answer.json();
  } catch { return null; }
  return data.details[trial];
}
async function drawPoints() {
  const box = $("points");
  box.replaceChildren();
  $("point-hint").hidden = view.chosen.length > 0;
  if (!view.chosen.length) return;
  const wait = element("p", "Looking into the point…", { class: "quiet" });
  if (data.live) box.append(wait);
  const details = await Promise.all(view.chosen.map(detailOf));
  box.classList.toggle("compared", view.chosen.length > 1);
  box.replaceChildren(comparison());
  view.chosen.forEach((row, at) => box.append(pointPanel(row, details[at], at)));
}
function parts() {
  const goals = new Set(data.objectives.map((o) => o.name)), rest = metrics.filter((c) => !goals.has(c.name) && !c.name.endsWith("_std"));
  return [["chosen", parameters], ["objectives", metrics.filter((c) => goals.has(c.name))], ["the system", rest.filter((c) => c.part === "system")], ["the block", rest.filter((c) => c.part === "block")]];
}
function changed(c, a, b) { // values are kept with seven digits
  if (a === b || Math.abs(b / a - 1) < 1e-6) return "=";
  if (c.texts || !a || Number.isNaN(a * b)) return "";
  return b / a > 10 ? `× ${(b / a).toPrecision(3)}` : `${b > a ? "+" : "−"}${Math.abs(100 * (b / a - 1)).toPrecision(3)} %`;
}
function comparedRow(c, a, b) {
  const line = element("tr"), spread = columns.get(`${c.name}_std`);
  const text = (row) => shown(c, c.values[row]) + (spread ? ` ± ${shown({ unit: c.unit, prefixed: c.prefixed }, spread.values[row])}` : "");
  line.append(element("td", c.label, { title: c.doc }), element("td", text(a)));
  if (b !== undefined) {
    line.append(element("td", text(b)), element("td", changed(c, c.values[a], c.values[b])));
  }
  line.append(element("td", c.evidence, { class: "text" }));
  return line;
}
function comparison() {
  const box = element("div", null, { class: "panel" }), [a, b] = view.chosen, both = b !== undefined;
  box.append(element("h3", both ? `Trials ${trial_of[a]} (A) and ${trial_of[b]} (B)` : `Trial ${trial_of[a]}`));
  if (state_of[a]) box.append(element("p", data.reasons.texts[numbers(data.reasons.codes, Uint16Array)[a]], { class: "warn" }));
  const scroll = element("div", null, { class: "scroll", tabindex: "0" }), table = element("table"), body = element("tbody"), head = element("tr");
  for (const text of both ? ["", "A", "B", "B against A", "evidence"] : ["", "value", "evidence"]) head.append(element("th", text));
  const thead = element("thead"); thead.append(head); table.append(thead);
  for (const [part, members] of parts()) {
    if (!members.length) continue;
    const title = element("tr"); title.append(element("th", part, { colspan: both ? 5 : 3, scope: "rowgroup", class: "part" })); body.append(title);
    for (const c of members) body.append(comparedRow(c, a, b));
  }
  table.append(body); scroll.append(table); box.append(scroll);
  return box;
}
const HATCHED = "glitches"; // some readers see it in the grey of its neighbours
const KIND_COLORS = { "inside cells": "#0072b2", "in pins": "#e69f00", "in wires": "#009e73", glitches: "#cc79a7", "clock tree": "#56b4e9", leakage: "#999999" };
function pointPanel(row, detail, at) {
  const box = element("div", null, { class: "panel" });
  box.append(element("h3", view.chosen.length > 1 ? `${"AB"[at]}: inside trial ${trial_of[row]}` : "Inside"));
  const command = `chipdse export ${data.study} --trial ${trial_of[row]} --to DIR`;
  if (!detail || detail.error) {
    box.append(element("p", detail ? `Not available: ${detail.error}` : `Looked into for some points only; this one: chipdse report ${data.study} --details ${trial_of[row]}`, { class: "quiet" }));
  } else {
    const plot = (caption, traces, extra) => {
      const made = element("div", null, { class: "plot small", role: "img", "aria-label": caption });
      box.append(element("h4", caption), made);
      queueMicrotask(() => Plotly.newPlot(made, traces, layout(extra), { ...config, displayModeBar: false }));
    };
    const picture = (caption, image) => { // on a small screen its text stays large enough to read
      const frame = element("div", null, { class: "wide", tabindex: "0" });
      frame.append(element("img", null, image)); box.append(element("h4", caption), frame);
    };
    box.append(element("p", detail.layout + (data.replicates > 1 ? ` The first of ${data.replicates} replicates; the table has their means.` : ""), { class: "quiet" }));
    const modules = detail.modules;
    plot(`Power by module, ${shown({ unit: "W" }, detail.power_w)} in all`, [{ type: "treemap", marker: { colors: modules.map((m) => (m.parent ? m.power_w : 0)), colorscale: [[0, "#e8f1f8"], [1, "#6aaed6"]], cmin: 0, line: { color: css("--paper"), width: 1 } }, textfont: { color: "#10222f" }, pathbar: { visible: false }, tiling: { pad: 2 }, labels: modules.map((m) => escaped(m.label)), ids: modules.map((m) => m.id), parents: modules.map((m) => m.parent), values: modules.map((m) => m.power_w), branchvalues: "total", text: modules.map((m) => shown({ unit: "W" }, m.power_w)), texttemplate: "%{label}<br>%{text}", hovertemplate: "%{label}<br>%{text}<extra></extra>" }], { uniformtext: { minsize: 9, mode: "hide" }, margin: { l: 5, r: 5, t: 20, b: 5 } });
    const kinds = detail.kinds;
    plot("Power by kind", kinds.kinds.map((kind, k) => ({ type: "bar", orientation: "h", name: escaped(kind), showlegend: false, y: kinds.groups.map(escaped), x: kinds.power_w[k], marker: { color: KIND_COLORS[kind], line: { width: 1, color: css("--paper") }, ...(kind === HATCHED ? { pattern: { shape: "/", bgcolor: KIND_COLORS[kind], fgcolor: "#fff", size: 6, solidity: 0.25 } } : {}) }, hovertemplate: "%{y}: %{x:.3s}W<extra>%{fullData.name}</extra>" })), { barmode: "stack", xaxis: { tickformat: "~s", ticksuffix: "W" }, margin: { l: 100, r: 10, t: 10, b: 30 } });
    const legend = element("p", null, { class: "quiet legend" });
    for (const kind of kinds.kinds) {
      const watts = kinds.power_w[kinds.kinds.indexOf(kind)].reduce((a, b) => a + b, 0), one = element("span"), swatch = element("i");
      swatch.style.background = kind === HATCHED ? `repeating-linear-gradient(-45deg, ${KIND_COLORS[kind]} 0 3px, #fff 3px 4px)` : KIND_COLORS[kind]; one.append(swatch, document.createTextNode(`${kind} ${shown({ unit: "W" }, watts)}`)); legend.append(one);
    }
    box.append(legend);
    const s = detail.supply;
    if (s && s.vdd_v.length > 1) plot("Over the supply, at the highest clock", [
      { type: "scatter", mode: "lines+markers", x: s.vdd_v, y: s.energy_per_op_j, name: "energy per operation", line: { color: "#0072b2" }, hovertemplate: "%{x} V: %{y:.4s}J<extra></extra>" },
      { type: "scatter", mode: "lines+markers", x: s.vdd_v, y: s.f_max_hz, name: "highest clock", yaxis: "y2", line: { color: "#d55e00", dash: "dot" }, hovertemplate: "%{x} V: %{y:.4s}Hz<extra></extra>" },
    ], { xaxis: { title: { text: "supply [V]" } }, yaxis: { tickformat: "~s", ticksuffix: "J", rangemode: "tozero" }, yaxis2: { overlaying: "y", side: "right", tickformat: "~s", ticksuffix: "Hz", type: "log", dtick: 1, automargin: true, showgrid: false }, margin: { l: 60, r: 60, t: 35, b: 40 } });
    if (detail.placement_png) picture("Placement", { src: `data:image/png;base64,${detail.placement_png}`, alt: "Placed cells coloured by module; power density over the core" });
    if (detail.package_svg) picture("Package", { src: `data:image/svg+xml;base64,${detail.package_svg}`, alt: "Package: cross-section, floorplan with temperatures, cost and carbon" });
    const path = element("details"), list = element("table"), body = element("tbody");
    path.append(element("summary", `Critical path: ${shown({ unit: "s" }, detail.critical_path_s)}${detail.clock_skew_s ? ` (${shown({ unit: "s" }, detail.clock_skew_s)} of it for clock skew)` : ""} to ${detail.endpoint}, ${detail.path.length} pins`));
    for (const stage of detail.path) {
      const line = element("tr");
      for (const text of [shown({ unit: "s" }, stage.arrival_s), stage.edge, stage.pin, stage.cell]) line.append(element("td", text, { class: "text" }));
      body.append(line);
    }
    list.append(body); const scroll = element("div", null, { class: "scroll", tabindex: "0" }); scroll.append(list); path.append(scroll); box.append(path);
    box.append(element("p", "Again:"), element("pre", detail.repeat, { tabindex: "0" }));
  }
  box.append(element("p", "For other tools:"), element("pre", command, { tabindex: "0" }));
  return box;
}

// ---------------------------------------------------------------- the rest
function drawImportance() {
  const box = $("importance-plot"), entries = Object.entries(data.importance);
  if (!entries.length) { $("importance").hidden = true; return; }
  const asked = parameters.filter((c) => entries.some(([, shares]) => c.name in shares));
  Plotly.react(box, entries.map(([name, shares], at) => ({
    type: "bar", orientation: "h", name: escaped(columns.get(name).label),
    y: asked.map((c) => escaped(c.label)), x: asked.map((c) => shares[c.name] ?? 0),
    marker: { color: ["#0072b2", "#e69f00", "#009e73", "#cc79a7"][at % 4], pattern: { shape: ["", "/", ".", "x"][at % 4] } },
  })), layout({ barmode: "group", xaxis: { title: { text: "importance (share of variance among good points)" }, tickformat: ".0%" }, yaxis: { autorange: "reversed" }, margin: { l: 120, r: 10, t: 40, b: 45 } }), config);
}
function drawHistory() {
  const h = data.history;
  if (h.evaluations.length < 2) { $("history").hidden = true; return; }
  Plotly.react($("history-plot"), [{ type: "scatter", mode: "lines", line: { shape: "hv", color: "#0072b2" }, x: h.evaluations, y: h.hypervolume, hovertemplate: "after %{x} evaluations: %{y:.4f}<extra></extra>" }],
    layout({ xaxis: { title: { text: "evaluations" } }, yaxis: { title: { text: "share of the box dominated" }, rangemode: "tozero" }, margin: { l: 60, r: 10, t: 20, b: 45 } }), config);
}
function drawFilters() {
  const box = $("filters");
  for (const c of parameters) {
    const values = distinct(c);
    if (values.length < 2 || values.length > 24) continue;
    const set = element("fieldset"); set.append(element("legend", c.label));
    for (const value of values) {
      const label = element("label"), tick = element("input", null, { type: "checkbox" });
      tick.checked = true;
      tick.onchange = () => {
        const allowed = view.filters.get(c.name) || new Set(values);
        tick.checked ? allowed.add(value) : allowed.delete(value);
        allowed.size === values.length ? view.filters.delete(c.name) : view.filters.set(c.name, allowed);
        refresh();
      };
      label.append(tick, document.createTextNode(shown(c, value))); set.append(label);
    }
    box.append(set);
  }
}
function fill(select, names, value, none) {
  if (none) select.append(element("option", none, { value: "" }));
  for (const name of names) select.append(element("option", columns.get(name).label, { value: name }));
  select.value = value;
}
function drawStatic() {
  const goals = data.objectives.map((o) => o.name);
  const names = [...goals, ...[...columns.keys()].filter((n) => !goals.includes(n) && !columns.get(n).texts && !n.endsWith("_std"))];
  for (const axis of ["x", "y", "z"]) {
    fill($(`axis-${axis}`), names, view[axis], axis === "z" ? "none" : "");
    $(`axis-${axis}`).onchange = (event) => { view[axis] = event.target.value; drawFront(); };
  }
  for (const [id, key] of [["three", "three"], ["front-only", "front_only"], ["show-infeasible", "infeasible"]]) {
    $(id).checked = view[key];
    $(id).onchange = (event) => { view[key] = event.target.checked; if (id === "three") drawFront(); else refresh(); };
  }
  $("clear").onclick = () => { view.selected = view.brushed = null; view.filters.clear(); for (const tick of $("filters").querySelectorAll("input")) tick.checked = true; refresh(); };
}
function drawFailures() { // also where there is nothing else to draw
  const reasons = $("failure-table");
  for (const [reason, trials] of data.failures) {
    const line = element("tr");
    line.append(element("td", String(trials.length)), element("td", reason, { class: "text" }), element("td", trials.slice(0, 8).join(", ") + (trials.length > 8 ? ", …" : ""), { class: "text" }));
    reasons.tBodies[0].append(line);
  }
  $("failures").hidden = !data.failures.length;
}
function refresh(from) {
  drawFront(); drawTable();
  if (from !== "parallel") drawParallel();
}
function drawAll() { drawFront(); drawTable(); drawPoints(); requestAnimationFrame(() => { drawParallel(); drawImportance(); drawHistory(); }); }
drawFailures();
if (count && data.feasible) {
  drawStatic(); drawFilters();
  const asked = /trial=([\d,]+)/.exec(location.hash);
  view.chosen = (asked ? asked[1].split(",").map(Number) : data.first === null ? [] : [data.first]).map((t) => row_of.get(t)).filter((r) => r !== undefined).slice(0, 2);
  drawAll();
  dark.addEventListener("change", drawAll);
  addEventListener("beforeprint", () => { for (const plot of document.querySelectorAll(".js-plotly-plot")) Plotly.Plots.resize(plot); });
}
if (data.live) setInterval(async () => {
  try {
    const answer = await fetch("count"), now = await answer.json();
    if (now.count !== count) $("news").hidden = false;
    const more = now.count - count;
    $("news-count").textContent = `${more} more ${more === 1 ? "trial" : "trials"} since this page was loaded.`;
  } catch { /* the server has ended: the page stays as it is */ }
}, 3000);
document.body.dataset.ready = "yes";
