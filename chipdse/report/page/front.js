// ---------------------------------------------------------------- the plot of the front
// Okabe and Ito's palette, as in the figures for papers; each colour has a shape too.
const PALETTE = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#999999"];
const SYMBOLS = ["diamond", "circle", "square", "triangle-up", "triangle-down", "star"];
const SYMBOLS_3D = ["diamond", "circle", "square", "cross", "circle-open", "square-open"];

const small = () => $("front-plot").clientWidth < 500;
function title(name) {
  const c = columns.get(name), goal = small() ? null : data.objectives.find((o) => o.name === name);
  return escaped(heading(c) + (goal ? (goal.minimize ? " — less is better" : " — more is better") : ""));
}
function hover(row) {
  const parts = parameters.map((c) => `${escaped(c.name)} = ${escaped(shown(c, c.values[row]))}`);
  const values = data.objectives.map((o) => `<b>${escaped(columns.get(o.name).label)} ${escaped(shown(columns.get(o.name), columns.get(o.name).values[row]))}</b>${interval(columns.get(o.name), row) ? ` (${escaped(interval(columns.get(o.name), row))})` : ""}`);
  const chance = probability_of && !Number.isNaN(probability_of[row]) ? [`on the front in ${percent(row)} of the draws`] : [];
  return [`trial ${trial_of[row]}`, ...chance, ...values, ...parts].join("<br>");
}
function groups() {
  const of = { infeasible: [], feasible: [], front: [] };
  for (const row of rows(visible)) of[on_front[row] ? "front" : STATES[state_of[row]]].push(row);
  return of;
}
function areaTicks(c, most = 5) { // SI prefixes of a square metre mislead: the ticks are in mm² or µm²
  if (c.unit !== "m2") return {};
  const { cmin, cmax } = extent(c.values), rough = (cmax - cmin) / most || cmax || 1, power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((n) => n * power >= rough), tickvals = [];
  for (let at = Math.ceil(cmin / step); at * step <= cmax * 1.0001; at++) tickvals.push(at * step);
  return { tickmode: "array", tickvals, ticktext: tickvals.map((value) => shown(c, value)) };
}
function axisOf(name, three) { // ticks carry the unit, so that "4p" does not stand alone
  const c = columns.get(name);
  const text = three ? escaped(heading(c)) : title(name);
  if (c.texts) {
    const places = distinct(c);
    return { title: { text }, type: "linear", tickmode: "array", tickvals: places, ticktext: places.map((at) => escaped(c.texts[at])), range: [Math.min(...places) - 0.5, Math.max(...places) + 0.5], zeroline: false };
  }
  const log = wide(c.values), { cmin, cmax } = extent(c.values);
  return {
    title: { text }, type: log ? "log" : "linear", exponentformat: "SI", ...(log ? {} : areaTicks(c, small() ? 2 : 5)), ...(small() ? { nticks: 4, tickangle: 0 } : {}),
    ...(log && cmax / cmin < 1e3 ? { dtick: "D2" } : {}),
    ...(prefixed(c) ? { ticksuffix: escaped(c.unit) } : {}),
    ...(three ? { nticks: 5, tickfont: { size: 10 }, title: { text, font: { size: 11 } } } : {}),
  };
}
// Traces of the rows of the front: one per value of a grouped colour and of the marker's parameter.
function frontTraces(members, three) {
  const color = view.z ? columns.get(view.z) : null, marker = view.marker ? columns.get(view.marker) : null;
  const by_color = color && grouped(color), split = [by_color ? color : null, marker];
  const parts = new Map();
  for (const row of members) {
    const key = split.map((c) => (c ? distinct(c).indexOf(c.values[row]) : 0));
    if (!parts.has(key.join())) parts.set(key.join(), { key, members: [] });
    parts.get(key.join()).members.push(row);
  }
  const symbols = three ? SYMBOLS_3D : SYMBOLS;
  const look = (hue, shape) => ({ color: by_color ? PALETTE[hue] : css("--accent"), symbol: symbols[marker ? shape : by_color ? hue : 0], size: three ? 5 : LOOK.front.size });
  const traces = [...parts.values()].sort((a, b) => a.key[0] - b.key[0] || a.key[1] - b.key[1]).map(({ key, members }) => ({
    name: by_color || marker ? "" : `front (${members.length})`, showlegend: !by_color && !marker, members,
    marker: { ...look(...key), ...(color && !by_color ? { color: members.map((row) => color.values[row]), coloraxis: "coloraxis" } : {}) },
  }));
  // The legend: what each colour, or else each shape, stands for. A column that is both is listed once.
  const tells = (c) => c.texts && !c.texts.every((text) => text === "True" || text === "False");
  const entry = (c, at, style) => ({ name: `${tells(c) ? "" : `${escaped(c.label)} `}${escaped(shown(c, distinct(c)[at]))}`, members: [], legend: true, marker: style });
  const used = (position) => [...new Set([...parts.values()].map((p) => p.key[position]))].sort((a, b) => a - b);
  const same = by_color && marker === color;
  if (by_color) for (const at of used(0)) traces.push(entry(color, at, { ...look(at, same ? at : 0), ...(marker && !same ? { symbol: "circle" } : {}) }));
  if (marker && !same) for (const at of used(1)) traces.push(entry(marker, at, { ...look(0, at), color: css("--quiet") }));
  return traces;
}
// Steps through the points that are best in the two axes alone: no value between two points is claimed.
function frontLine(members) {
  const goals = [view.x, view.y].map((name) => data.objectives.find((o) => o.name === name));
  if (view.x === view.y || goals.includes(undefined) || members.length < 2) return [];
  const [x, y] = goals.map((o) => ({ values: columns.get(o.name).values, sign: o.minimize ? 1 : -1 }));
  const ordered = [...members].sort((a, b) => x.sign * (x.values[a] - x.values[b]) || y.sign * (y.values[a] - y.values[b]));
  const best = [];
  for (const row of ordered) if (!best.length || y.sign * y.values[row] < y.sign * y.values[best.at(-1)]) best.push(row);
  return [{ type: "scatter", mode: "lines", name: "line of the front", showlegend: false, hoverinfo: "skip", x: best.map((row) => x.values[row]), y: best.map((row) => y.values[row]), line: { shape: "hv", width: 1.2, color: css("--quiet") } }];
}
function limitLines() {
  const shapes = [], style = { dash: "dash", color: "#d55e00" };
  for (const limit of data.limits) for (const bound of [limit.minimum, limit.maximum]) {
    if (bound === null) continue;
    const place = (axis) => (axisOf(view[axis]).type === "log" ? Math.log10(bound) : bound); // shapes on a log axis are placed by its logarithm
    if (limit.metric === view.x) shapes.push({ type: "line", x0: place("x"), x1: place("x"), y0: 0, y1: 1, yref: "paper", line: style });
    if (limit.metric === view.y) shapes.push({ type: "line", y0: place("y"), y1: place("y"), x0: 0, x1: 1, xref: "paper", line: style });
  }
  return shapes;
}
// On a phone the plot's own legend would take its width: the entries are text above it.
const GLYPHS = { diamond: "◆", circle: "●", square: "■", "triangle-up": "▲", "triangle-down": "▼", star: "★", "x-thin-open": "×" };
function legendEntries(traces) {
  return traces.filter((t) => t.showlegend !== false).map((t) => {
    const entry = element("span"), glyph = element("b", `${GLYPHS[t.marker.symbol] || "●"} `);
    glyph.style.color = typeof t.marker.color === "string" ? t.marker.color : css("--accent");
    entry.append(glyph, document.createTextNode(t.name.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&")));
    return entry;
  });
}
// The best of each objective and the knee bear their names; annotations neither move the axes nor are selected.
function designNames(axes) {
  const named = (data.designs || []).map(([label, trial]) => [label, row_of.get(trial)]).filter(([, row]) => row !== undefined && visible(row));
  const at = (axis, row) => { const v = columns.get(view[axis]).values[row]; return axes[axis].type === "log" ? Math.log10(v) : v; };
  const all = rows(visible), ends = extent(all.map((row) => at("x", row)));
  return named.map(([label, row]) => {
    const x = at("x", row), share = (x - ends.cmin) / (ends.cmax - ends.cmin || 1); // away from the borders
    return { x, y: at("y", row), text: escaped(label), showarrow: false, yshift: -15, xanchor: share < 0.25 ? "left" : share > 0.75 ? "right" : "center", bgcolor: `${css("--paper")}b0`, borderpad: 0, font: { size: 11, color: css("--ink") } };
  });
}
function drawFront() {
  const x = columns.get(view.x), y = columns.get(view.y), depth = columns.get(view.depth), color = view.z ? columns.get(view.z) : null;
  const three = view.three && webgl, of = groups(), traces = three ? [] : frontLine(of.front);
  const total = of.front.length + of.feasible.length + of.infeasible.length;
  const type = three ? "scatter3d" : webgl && total > 1500 ? "scattergl" : "scatter";
  const parts = [
    ...["infeasible", "feasible"].filter((name) => of[name].length).map((name) => ({ name: `${name} (${of[name].length})`, members: of[name], marker: { color: LOOK[name].color, symbol: three ? "circle" : LOOK[name].symbol, size: three ? 2.5 : LOOK[name].size - (total > 1500 ? 2 : 0) } })),
    ...frontTraces(of.front, three),
  ];
  for (const { members, marker, legend, ...rest } of parts) {
    if (String(marker.symbol).endsWith("-open")) marker.line = { width: 2 };
    else marker.line = { width: 0.8, color: css("--paper") };
    if (!three && !legend) marker.opacity = members.map((row) => (linked(row) ? certain(row) : 0.12));
    const trace = { type, mode: "markers", ...rest, marker };
    const values = (c) => (legend ? [null] : members.map((row) => c.values[row]));
    Object.assign(trace, { x: values(x), y: values(y), ...(three ? { z: values(depth) } : {}) });
    if (legend) { traces.push({ ...trace, hoverinfo: "skip" }); continue; }
    Object.assign(trace, { customdata: members, text: members.map(hover), hovertemplate: "%{text}<extra></extra>" });
    for (const [axis, c] of [["error_x", x], ["error_y", y]]) {
      const spread = columns.get(`${c.name}_std`);
      if (spread && !three) trace[axis] = { type: "data", array: members.map((row) => spread.values[row]), thickness: 1 };
      const ends = interval_of.get(c.name); // bars of the points that any draw has on the front
      const doubtful = (row) => probability_of[row] > 0;
      if (ends && !three && members.some(doubtful)) trace[axis] = {
        type: "data", symmetric: false, thickness: 1, width: 3, color: "rgba(110, 120, 130, 0.45)",
        array: members.map((row) => (doubtful(row) ? Math.max(ends[1][row] - c.values[row], 0) : 0)),
        arrayminus: members.map((row) => (doubtful(row) ? Math.max(c.values[row] - ends[0][row], 0) : 0)),
      };
    }
    traces.push(trace);
  }
  view.chosen.forEach((row, at) => traces.push({
    type: three ? "scatter3d" : "scatter", mode: "markers+text", x: [x.values[row]], y: [y.values[row]], ...(three ? { z: [depth.values[row]] } : {}),
    showlegend: false, hoverinfo: "skip", text: ["AB"[at]], textposition: "top center",
    marker: { symbol: "circle-open", size: three ? 11 : 18, color: "#cc79a7", line: { width: 3 } },
  }));
  const plot = $("front-plot"), axes = { x: axisOf(view.x, three), y: axisOf(view.y, three) };
  const extra = three
    ? { scene: { aspectmode: "cube", camera: { eye: { x: 1.5, y: 1.5, z: 0.85 }, center: { x: 0, y: 0, z: -0.25 } }, xaxis: axes.x, yaxis: axes.y, zaxis: axisOf(view.depth, true) }, margin: { l: 0, r: 0, t: 25, b: 0 } }
    : { xaxis: axes.x, yaxis: axes.y, shapes: limitLines(), annotations: small() ? [] : designNames(axes) };
  if (three) for (const axis of ["xaxis", "yaxis", "zaxis"]) Object.assign(extra.scene[axis], { gridcolor: css("--line"), color: css("--ink") });
  if (color && !grouped(color)) extra.coloraxis = {
    colorscale: "Viridis", ...extent(of.front.map((row) => color.values[row])),
    colorbar: { title: { text: escaped(heading(color)), side: small() ? "top" : "right" }, thickness: 12, exponentformat: "SI", ...areaTicks(color, small() ? 2 : 5), ...(small() ? { orientation: "h", y: -0.45, yanchor: "top", len: 1 } : {}) },
  };
  $("front-legend").replaceChildren(...(small() ? legendEntries(traces) : []));
  extra.showlegend = !small();
  Plotly.react(plot, traces, layout({ ...extra, dragmode: three ? "orbit" : "zoom", hovermode: "closest", uirevision: `${view.x} ${view.y} ${view.depth} ${three}` }), config);
  if (!plot.wired) wireFront(plot);
}
function wireFront(plot) {
  plot.wired = true;
  plot.on("plotly_click", (event) => { const at = event.points[0]; if (at.data.customdata) choose(at.data.customdata[at.pointNumber], event.event && event.event.shiftKey); });
  plot.on("plotly_selected", (event) => {
    view.selected = event && event.points.length ? new Set(event.points.filter((p) => p.data.customdata).map((p) => p.data.customdata[p.pointNumber])) : null;
    refresh("front");
  });
  plot.on("plotly_deselect", () => { view.selected = null; refresh("front"); });
}
