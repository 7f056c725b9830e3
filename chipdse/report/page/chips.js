// ---------------------------------------------------------------- inside one chip
const LEVEL_LOOK = { tile: ["arrays", "#0072b2"], sram: ["buffer", "#009e73"], dram: ["DRAM", "#d55e00"], link: ["links", "#e69f00"], leakage: ["leakage and idle power", "#999999"], operations: ["other parts", "#cc79a7"] };
const BOUND_LOOK = { compute: ["arrays", "#0072b2", "circle"], sram: ["buffer", "#009e73", "square"], dram: ["DRAM", "#d55e00", "diamond"], link: ["links", "#e69f00", "triangle-up"] };
const unitOf = (unit) => (value) => shown({ unit }, value);
const joules = unitOf("J"), seconds = unitOf("s"), watts = unitOf("W");
const largest = (values) => values.reduce((a, b) => Math.max(a, b), 0);
const sum = (values) => values.reduce((a, b) => a + b, 0);

function legendOf(entries) {
  const legend = element("p", null, { class: "quiet legend" });
  for (const [color, text] of entries) {
    const one = element("span"), swatch = element("i");
    swatch.style.background = color; one.append(swatch, document.createTextNode(text)); legend.append(one);
  }
  return legend;
}
/* Draws a chip into a panel. Chips that are side by side (`beside`, this one among them) have axes
   with the same ends. */
function drawChip(box, chip, beside) {
  const plot = (place, caption, traces, extra, height) => {
    const made = element("div", null, { class: "plot", role: "img", "aria-label": caption });
    made.style.height = `${height}px`;
    place.append(made);
    queueMicrotask(() => Plotly.newPlot(made, traces, layout(extra), { ...config, displayModeBar: false }));
    return made;
  };
  box.append(element("p", `One task, ${chip.application}: ${joules(chip.energy_j)}${chip.energy_error_j ? ` (standard error ${joules(chip.energy_error_j)}, because only some tiles of the layers were measured)` : ""} in ${seconds(chip.latency_s)}.`));
  const grid = element("div", null, { class: "inside" }); // as many columns as the panel has room for
  box.append(grid);
  for (const draw of [drawEnergies, drawLatencies, drawRoofline, drawDies, drawFloorplans, drawSupplies]) {
    const place = element("div");
    draw(place, chip, beside, plot);
    if (place.childNodes.length) grid.append(place);
  }
}
function levelLegend(chip) {
  return legendOf(Object.entries(chip.levels).map(([level, value]) => [LEVEL_LOOK[level][1], `${LEVEL_LOOK[level][0]} ${joules(value)} (${(100 * value / chip.energy_j).toPrecision(2)} %)`]));
}
// What both plots of the layers share: a row for each layer, in the network's order.
function rowsOf(chip) {
  const rows = chip.layers, names = rows.map((row, at) => `${at} ${row.name}`);
  return {
    rows, names, height: 60 + 19 * rows.length,
    about: rows.map((row) => `${escaped(row.name)}: ${escaped(row.shape)}${row.order ? `<br>${escaped(row.order)}` : ""}`),
    ticks: { automargin: true, autorange: "reversed", tickmode: "array", tickvals: names, ticktext: rows.map((row) => escaped(cut(row.name, 22))), showgrid: false, categoryorder: "array", categoryarray: names },
    axis: (values, unit) => ({ range: [0, 1.03 * largest(values)], tickformat: "~s", nticks: 6, ticksuffix: unit }),
    margin: { l: 60, r: 10, t: 5, b: 35 },
  };
}
function drawEnergies(box, chip, beside, plot) {
  box.append(element("h4", chip.layers.length ? "Energy of each layer, by level" : "Energy of a task, by level"), levelLegend(chip));
  if (!chip.layers.length) return;
  const { rows, names, height, about, ticks, axis, margin } = rowsOf(chip), of_layer = (row) => sum(Object.values(row.energies_j));
  const traces = Object.entries(LEVEL_LOOK).filter(([level]) => chip.levels[level] && rows[0].energies_j[level] !== undefined).map(([level, [label, color]]) => ({
    type: "bar", orientation: "h", name: label, showlegend: false, y: names, x: rows.map((row) => row.energies_j[level]), marker: { color, line: { width: 0.5, color: css("--paper") } },
    customdata: rows.map((row, at) => [about[at], joules(row.energies_j[level]), joules(of_layer(row))]), hovertemplate: `%{customdata[0]}<br>${label} %{customdata[1]} of %{customdata[2]}<extra></extra>`,
  }));
  plot(box, "Energy of each layer by level", traces, { barmode: "stack", bargap: 0.25, yaxis: ticks, xaxis: axis(beside.flatMap((c) => c.layers.map(of_layer)), "J"), margin }, height);
}
function drawLatencies(box, chip, beside, plot) {
  if (!chip.layers.length) return;
  const { rows, names, height, about, ticks, axis, margin } = rowsOf(chip);
  const spent = Object.entries(BOUND_LOOK).map(([bound, [label, color]]) => [bound, label, color, sum(rows.filter((row) => row.bound === bound).map((row) => row.latency_s))]).filter((each) => each[3]);
  box.append(element("h4", "Latency of each layer, by the limit that binds"), legendOf(spent.map(([, label, color, s]) => [color, `bound by ${label}: ${seconds(s)}`])));
  const traces = spent.map(([bound, label, color]) => {
    const some = rows.map((row, at) => [row, at]).filter(([row]) => row.bound === bound);
    return {
      type: "bar", orientation: "h", showlegend: false, name: label, y: some.map(([, at]) => names[at]), x: some.map(([row]) => row.latency_s), marker: { color }, text: some.map(() => label), textposition: "auto", textangle: 0, textfont: { size: 10 }, cliponaxis: false,
      customdata: some.map(([row, at]) => [about[at], Object.entries(row.times_s).filter(([, s]) => s).map(([name, s]) => `${BOUND_LOOK[name][0]} ${seconds(s)}`).join(", ")]), hovertemplate: "%{customdata[0]}<br>each limit alone: %{customdata[1]}<extra></extra>",
    };
  });
  plot(box, "Latency of each layer, coloured by the limit that binds", traces, { barmode: "overlay", bargap: 0.25, yaxis: ticks, xaxis: axis(beside.flatMap((c) => c.layers.map((row) => row.latency_s)), "s"), margin }, height);
}
const cut = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

const MEMORIES = { dram: "DRAM", sram: "buffer" };
function drawRoofline(box, chip, beside, plot) {
  if (!chip.roofs) return;
  const memories = Object.keys(MEMORIES).filter((name) => chip.roofs[`${name}_bits_per_s`]);
  box.append(element("h4", "Roofline"));
  if (!memories.length) { box.append(element("p", "The chip has neither a buffer nor a DRAM: nothing but the arrays limits it.", { class: "quiet" })); return; }
  const controls = element("div", null, { class: "controls noprint" }), label = element("label", "intensity over the traffic of the"), select = element("select", null, { class: "roofline-memory" });
  for (const name of memories) select.append(element("option", MEMORIES[name], { value: name }));
  const bound_by = (name) => sum(beside.flatMap((c) => c.layers).filter((row) => row.bound === name).map((row) => row.latency_s));
  select.value = memories.reduce((a, b) => (bound_by(b) > bound_by(a) ? b : a));
  label.append(select); controls.append(label); box.append(controls);
  const place = element("div"); box.append(place);
  const draw = () => { place.replaceChildren(); rooflineOf(place, chip, beside, select.value, plot); };
  select.onchange = draw;
  draw();
}
function rooflineOf(place, chip, beside, memory, plot) {
  const bits = `${memory}_bits`, bytes_per_s = chip.roofs[`${bits}_per_s`] / 8, peak = chip.roofs.macs_per_s;
  const points = (c) => c.layers.filter((row) => row[bits] > 0).map((row) => ({ ...row, x: 8 * row.macs / row[bits], y: row.macs / row.latency_s }));
  const every = beside.filter((c) => c.roofs && c.roofs[`${bits}_per_s`]), knee_of = (c) => 8 * c.roofs.macs_per_s / c.roofs[`${bits}_per_s`];
  const xs = every.flatMap((c) => [knee_of(c), ...points(c).map((p) => p.x)]), ys = every.flatMap((c) => [c.roofs.macs_per_s, ...points(c).map((p) => p.y)]);
  const low = Math.min(...xs) / 2, high = Math.max(...xs) * 2, knee = peak / bytes_per_s;
  const traces = [{ type: "scatter", mode: "lines", x: [low, knee, high], y: [low * bytes_per_s, peak, peak], line: { color: css("--ink"), width: 2 }, hovertemplate: `${MEMORIES[memory]}: ${shown({ unit: "B/s", prefixed: true }, bytes_per_s)}; arrays: ${shown({ unit: "MAC/s", prefixed: true }, peak)}<extra></extra>`, showlegend: false }];
  for (const [bound, [label, color, symbol]] of Object.entries(BOUND_LOOK)) {
    const some = points(chip).filter((p) => p.bound === bound);
    if (some.length) traces.push({ type: "scatter", mode: "markers", name: `bound by ${label}`, x: some.map((p) => p.x), y: some.map((p) => p.y), marker: { color, symbol, opacity: 0.85, line: { width: 1, color: css("--paper") }, size: some.map((p) => 8 + 20 * Math.sqrt(p.latency_s / chip.latency_s)) }, customdata: some.map((p) => [escaped(p.name), `${shown({ unit: "MAC/s", prefixed: true }, p.y)}, ${(100 * p.y / Math.min(peak, p.x * bytes_per_s)).toPrecision(3)} % of the roof`]), hovertemplate: "%{customdata[0]}: %{customdata[1]}<br>%{x:.3~s} MAC per byte<extra></extra>" });
  }
  const log = (a, b) => [Math.log10(a), Math.log10(b)];
  plot(place, `Roofline: speed of each layer over its MACs per byte of ${MEMORIES[memory]} traffic, below the limits of arrays and ${MEMORIES[memory]}`, traces, { xaxis: { type: "log", range: log(low, high), title: { text: `MAC per byte of ${MEMORIES[memory]} traffic` }, tickformat: "~g", dtick: high / low < 100 ? "D2" : 1 }, yaxis: { type: "log", range: log(Math.min(...ys) / 2, Math.max(...ys) * 2), tickformat: "~s", title: { text: "MAC/s" }, dtick: 1 }, margin: { l: 60, r: 10, t: 35, b: 45 } }, 300);
  place.append(element("p", "The area of a marker grows with the layer's share of the latency. A layer below the roof is limited by another resource, whose colour it has, or by tiles that do not fill the arrays.", { class: "quiet" }));
}

const HEAT = [[0, "#1b0c41"], [0.35, "#781c6d"], [0.65, "#cf4446"], [1, "#fb9b06"]]; // of Inferno, without its ends
function drawFloorplans(box, chip, beside, plot) {
  for (const plan of chip.floorplans) drawFloorplan(box, plan, beside.flatMap((c) => c.floorplans), plot);
}
function drawFloorplan(box, plan, beside, plot) {
  const mm = (values) => values.map((v) => 1e3 * v), flat = (p) => p.temperature_c.flat();
  const here = largest(flat(plan)), coldest = Math.min(...beside.map((p) => Math.min(...flat(p)))), hottest = largest(beside.map((p) => largest(flat(p))));
  const of_die = plan.name ? ` of ${plan.count > 1 ? `one of ${plan.count} dies` : "die"} ${plan.name}` : "";
  box.append(element("h4", `Floorplan and temperature${of_die}`), element("p", `${shown({ unit: "m2" }, plan.area_m2)}; hottest ${here.toFixed(2)} °C, ${plan.hotspot_k.toPrecision(2)} K above the same power spread evenly.${plan.stable ? "" : " No stable temperature exists with leakage: the map has the leakage of the measurement."}`, { class: "quiet" }));
  const ink = "rgba(255,255,255,.85)", shapes = [], labels = [], side = 1e3 * Math.sqrt(plan.area_m2);
  for (const tile of plan.tiles) {
    const [x0, y0, x1, y1] = mm(tile.box_m);
    shapes.push({ type: "rect", x0, y0, x1, y1, line: { color: ink, width: 1 } });
  }
  for (const region of plan.regions) { // on the first of its tiles, where it fits
    const tiles = plan.tiles.filter((tile) => tile.name === region.name || tile.name.startsWith(`${region.name} `)), boxes = tiles.map((tile) => mm(tile.box_m));
    const x0 = Math.min(...boxes.map((b) => b[0])), x1 = Math.max(...boxes.map((b) => b[2])), y0 = Math.min(...boxes.map((b) => b[1])), y1 = Math.max(...boxes.map((b) => b[3]));
    labels.push({ x: (x0 + x1) / 2, y: (y0 + y1) / 2, text: `${region.copies > 1 ? `${region.copies} × ` : ""}${escaped(region.name)}<br>${watts(region.power_w)}`, showarrow: false, font: { color: "#fff", size: 12 }, bgcolor: "rgba(0,0,0,.55)", borderpad: 2, textangle: x1 - x0 < 0.22 * side ? -90 : 0 });
  }
  const middle = (tile) => [500 * (tile.box_m[0] + tile.box_m[2]), 500 * (tile.box_m[1] + tile.box_m[3])];
  const largest_side = Math.max(...beside.map((p) => Math.sqrt(p.area_m2))) * 1e3, range = [-0.52 * largest_side, 0.52 * largest_side];
  plot(box, `Floorplan with temperatures${of_die}`, [
    { type: "heatmap", x: mm(plan.x_m), y: mm(plan.y_m), z: plan.temperature_c, zmin: coldest, zmax: hottest > coldest ? hottest : coldest + 1e-3, colorscale: HEAT, colorbar: { title: { text: "°C" }, thickness: 12, outlinewidth: 0, nticks: 5 }, hovertemplate: "%{z:.3f} °C<extra></extra>" },
    { type: "scatter", mode: "markers", x: plan.tiles.map((t) => middle(t)[0]), y: plan.tiles.map((t) => middle(t)[1]), marker: { size: 18, opacity: 0 }, customdata: plan.tiles.map((t) => [escaped(t.name), watts(t.power_w)]), hovertemplate: "%{customdata[0]}: %{customdata[1]}<extra></extra>", showlegend: false },
  ], { shapes, annotations: labels, xaxis: { range, title: { text: "mm" }, showgrid: false, zeroline: false, constrain: "domain" }, yaxis: { range, scaleanchor: "x", showgrid: false, zeroline: false, constrain: "domain", nticks: 5 }, margin: { l: 45, r: 10, t: 10, b: 40 } }, 340).style.maxWidth = "32rem";
}

// The dies of a chip and what crosses the links between them; nothing where it has one die.
function drawDies(box, chip) {
  if (!chip.dies.length) return;
  const table = (heads, rows) => {
    const scroll = element("div", null, { class: "scroll", tabindex: "0" }), made = element("table"), thead = element("thead"), body = element("tbody");
    const line = (tag, cells) => { const row = element("tr"); for (const text of cells) row.append(element(tag, text)); return row; };
    thead.append(line("th", heads)); for (const cells of rows) body.append(line("td", cells));
    made.append(thead, body); scroll.append(made); return scroll;
  };
  const celsius = (t) => (t === null ? "no stable value" : `${t.toFixed(2)} °C`), usd = (v) => `${v.toPrecision(3)} USD`, kg = unitOf("kg");
  box.append(element("h4", "Dies"), table(["die", "area", "process", "yield", "power", "hottest", "tested die", "carbon"], chip.dies.map((d) => [d.count > 1 ? `${d.count} × ${d.name}` : d.name, shown({ unit: "m2" }, d.area_m2), `${d.node_nm} nm`, `${(100 * d.yield_frac).toFixed(1)} %`, d.power_w === null ? "" : watts(d.power_w), celsius(d.peak_temperature_c), usd(d.tested_usd), kg(d.tested_kgco2e)])));
  if (chip.flows.length) box.append(element("h4", "Data between dies, per task"), table(["from and to", "dies", "bits", "time on links", "energy on links"], chip.flows.map((f) => [f.name, f.dies.join(", "), f.bits.toPrecision(4), seconds(f.time_s), joules(f.energy_j)])));
}

function drawSupplies(box, chip, beside, plot) {
  const s = chip.supply;
  if (s.vdd_v.length < 2) { box.append(element("p", `The supply of ${s.part} was measured at ${s.vdd_v.length ? `${short(s.vdd_v[0])} V` : "no value that meets timing"}: a list of vdd_v in its operating table, or chipdse chip --report FILE --supplies, shows the energy over the supply.`, { class: "quiet" })); return; }
  box.append(element("h4", `Energy per task over the supply of ${s.part}`));
  const entries = Object.entries(s.energies_j), totals = (c) => c.supply.vdd_v.map((_, at) => sum(Object.values(c.supply.energies_j).map((column) => column[at])));
  const volts = s.vdd_v.map((v) => `${short(v)} V`), bars = entries.map(([level, column]) => ({ type: "bar", name: LEVEL_LOOK[level][0], showlegend: false, x: volts, y: column, marker: { color: LEVEL_LOOK[level][1], line: { width: 0.5, color: css("--paper") } }, customdata: column.map(joules), hovertemplate: `%{x}: ${LEVEL_LOOK[level][0]} %{customdata}<extra></extra>` }));
  const line = { type: "scatter", mode: "lines+markers", name: "latency", showlegend: false, x: volts, y: s.latency_s, yaxis: "y2", line: { color: css("--ink"), dash: "dot" }, marker: { size: 8, line: { width: 1.5, color: css("--paper") } }, customdata: s.latency_s.map(seconds), hovertemplate: "%{x}: latency %{customdata}<extra></extra>" };
  const energies = beside.flatMap(totals).filter((v) => v > 0), latencies = beside.flatMap((c) => c.supply.latency_s).filter((v) => v > 0);
  // Near the threshold voltage the latency, and with it the leakage, grows by powers of ten.
  const wide = largest(energies) > 30 * Math.min(...energies), solid = (name, y, color) => ({ type: "scatter", mode: "lines+markers", name, showlegend: false, x: volts, y, line: { color, width: 2 }, marker: { size: 5 }, customdata: y.map(joules), hovertemplate: `%{x}: ${name} %{customdata}<extra></extra>` });
  const decades = (values, below) => ({ type: "log", range: [Math.log10(Math.min(...values)) - below, Math.log10(largest(values)) + 0.15], dtick: 1 });
  const drawn = wide ? [...entries.map(([level, column]) => solid(LEVEL_LOOK[level][0], column, LEVEL_LOOK[level][1])), solid("all", totals(chip), css("--ink"))] : bars;
  const left = wide ? { ...decades(energies, 1), title: { text: "energy (black: all)" } } : { range: [0, 1.05 * largest(energies)], title: { text: "energy (bars)" } };
  const right = wide ? decades(latencies, 0.15) : { range: [0, 1.15 * largest(latencies)], tickmode: "auto", nticks: 6 };
  plot(box, `Energy per task by level, and latency, over the supply of ${s.part}`, [...drawn, line], { barmode: "stack", bargap: 0.5, xaxis: { type: "category", categoryorder: "array", categoryarray: volts }, yaxis: { ...left, tickformat: "~s", ticksuffix: "J" }, yaxis2: { ...right, overlaying: "y", side: "right", tickformat: "~s", ticksuffix: "s", showgrid: false, automargin: true, title: { text: "latency (dotted)" } }, margin: { l: 60, r: 60, t: 10, b: 35 } }, 280);
}
