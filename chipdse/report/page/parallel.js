// ---------------------------------------------------------------- all parameters, importance, progress
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
  const same = parameters.filter((c) => distinct(c).length === 1);
  $("parallel-same").textContent = same.length ? `The same in every point: ${same.map((c) => `${c.label} ${shown(c, distinct(c)[0])}`).join(", ")}.` : "";
  const names = [...varied.map((c) => c.name), ...data.objectives.map((o) => o.name).filter((n) => !parameters.some((c) => c.name === n))];
  const dimensions = names.map((name) => {
    const c = columns.get(name), log = !c.texts && wide(c.values), values = members.map((row) => (log ? Math.log10(c.values[row]) : c.values[row]));
    const dimension = { label: escaped(c.label), values, name, log };
    const ticks = c.texts || c.group === "parameter" ? distinct(c) : null;
    if (ticks && ticks.length <= 12) { dimension.tickvals = log ? ticks.map(Math.log10) : ticks; dimension.ticktext = ticks.map((t) => escaped(shown(c, t))); }
    else if (log && values.length) {
      const low = Math.min(...values), high = Math.max(...values);
      dimension.tickvals = Array.from({ length: 5 }, (_, i) => low + ((high - low) * i) / 4); dimension.ticktext = dimension.tickvals.map((t) => escaped(shown(c, 10 ** t)));
    } else if (values.length) {
      const low = Math.min(...values), high = Math.max(...values);
      dimension.tickvals = Array.from({ length: 5 }, (_, i) => low + ((high - low) * i) / 4); dimension.ticktext = dimension.tickvals.map((t) => escaped(shown(c, t)));
    }
    return dimension;
  });
  const widest = Math.max(6, ...(dimensions[0].ticktext || []).map((text) => text.length)); // in letters
  view.brushed = null;
  const left = 20 + 6 * widest, right = 45, letters = Math.max(8, ...dimensions.slice(1).flatMap((d) => (d.ticktext || []).map((text) => text.length)));
  plot.style.minWidth = `${left + right + (names.length - 1) * (6 * letters + 10)}px`; // narrower than this labels run into each other
  Plotly.react(plot, [{
    type: "parcoords", dimensions, customdata: members, labelangle: names.length > 8 ? -18 : 0,
    line: { color: members.map((row) => (on_front[row] ? 1 : 0)), colorscale: [[0, "#9aa5b1"], [1, css("--accent")]], cmin: 0, cmax: 1 },
    unselected: { line: { opacity: 0.06 } }, tickfont: { size: 10, color: css("--ink") }, rangefont: { size: 1, color: "rgba(0,0,0,0)" },
  }], layout({ paper_bgcolor: css("--paper"), margin: { l: left, r: right, t: 60, b: 20 } }), config);
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
