// ---------------------------------------------------------------- the table of the front
const SHOWN_ROWS = 25, MOST_ROWS = 1000;
function drawTable() {
  const possible = (row) => on_front[row] || (probability_of && probability_of[row] > 0);
  const members = rows((row) => possible(row) && linked(row));
  const names = [...data.objectives.map((o) => o.name), ...varied.map((c) => c.name).filter((n) => !data.objectives.some((o) => o.name === n))];
  const sort = view.sort || { name: data.objectives[0].name, up: data.objectives[0].minimize };
  const by = columns.get(sort.name).values;
  members.sort((a, b) => (sort.up ? by[a] - by[b] : by[b] - by[a]));
  const table = $("front-table"), head = element("tr"), body = element("tbody");
  head.append(element("th", "trial"));
  if (probability_of) head.append(element("th", "on the front"));
  for (const name of names) {
    const cell = element("th"), button = element("button", columns.get(name).label);
    cell.setAttribute("aria-sort", sort.name === name ? (sort.up ? "ascending" : "descending") : "none");
    button.onclick = () => { view.sort = { name, up: sort.name === name ? !sort.up : true }; drawTable(); };
    cell.append(button); head.append(cell);
  }
  const most = view.every_row ? MOST_ROWS : SHOWN_ROWS;
  for (const row of members.slice(0, most)) {
    const line = element("tr", null, view.chosen.includes(row) ? { class: "chosen" } : {}), cell = element("td");
    const open = element("button", String(trial_of[row]), { "aria-label": `open trial ${trial_of[row]}` });
    open.onclick = (event) => choose(row, event.shiftKey);
    cell.append(open);
    if (data.ties && data.ties[trial_of[row]]) cell.append(element("span", ` ≈ ${data.ties[trial_of[row]].join(", ")}`, { title: "statistically tied with" }));
    line.append(cell);
    if (probability_of) line.append(element("td", percent(row) + (on_front[row] ? "" : " (not as stated)")));
    for (const name of names) {
      const c = columns.get(name), value = element("td", shown(c, c.values[row])), ends = interval(c, row);
      if (ends) value.append(element("br"), element("small", ends, { class: "quiet" }));
      line.append(value);
    }
    body.append(line);
  }
  const thead = element("thead"); thead.append(head);
  table.replaceChildren(thead, body);
  $("front-count").textContent = members.length > most && view.every_row ? `${most} of ${members.length} points on the front; filter to see others.` : `${members.length} points on the front${probability_of ? ", at the stated values or in a draw" : ""}.`;
  const more = $("front-more");
  more.hidden = view.every_row || members.length <= SHOWN_ROWS;
  more.textContent = `show all ${Math.min(members.length, MOST_ROWS)} rows`;
  more.onclick = () => { view.every_row = true; drawTable(); };
  cue();
}

// ---------------------------------------------------------------- one point, or two side by side
function choose(row, second) {
  const compared = (second || view.comparing) && view.chosen.length > 0 && view.chosen[0] !== row;
  view.chosen = compared ? [view.chosen[0], row] : [row];
  view.comparing = false;
  drawFront(); drawTable(); drawDock(); drawPoints();
  const dock = $("dock"), { top, bottom } = dock.getBoundingClientRect();
  // The dock is beside the plot or below it: the page moves only if it is out of sight.
  if (top < 0 || bottom > innerHeight) bringIntoView(dock, top < 0 || bottom - top > innerHeight ? "start" : "nearest");
  location.replace(`#trial=${view.chosen.map((r) => trial_of[r]).join(",")}`);
}
function bringIntoView(node, block) {
  node.scrollIntoView({ block, behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
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
const names_of_design = (row) => (data.designs || []).filter(([, trial]) => trial === trial_of[row]).map(([label]) => label).join(", ");
const pointTitle = () => (view.chosen.length > 1 ? `Trials ${trial_of[view.chosen[0]]} (A) and ${trial_of[view.chosen[1]]} (B)` : `Trial ${trial_of[view.chosen[0]]}${names_of_design(view.chosen[0]) ? `: ${names_of_design(view.chosen[0])}` : ""}`);
// Objectives and varied parameters of what is chosen, beside the plot in which it was clicked.
function drawDock() {
  const box = $("dock");
  box.replaceChildren();
  $("point-hint").hidden = view.chosen.length > 0;
  if (!view.chosen.length) { box.append(element("p", "Click a point in the plot, or its number in the table.", { class: "quiet" })); return; }
  const [a, b] = view.chosen, both = b !== undefined, goals = data.objectives.map((o) => columns.get(o.name));
  box.append(element("h3", pointTitle()));
  if (state_of[a]) box.append(element("p", data.reasons.texts[numbers(data.reasons.codes, Uint16Array)[a]], { class: "warn" }));
  const limited = [...new Set(data.limits.map((limit) => columns.get(limit.metric)))].filter((c) => c && !goals.includes(c) && !varied.includes(c));
  const listed = [...new Set([...goals, ...limited, ...varied])];
  const parted = both ? [["differs", listed.filter((c) => differs(c, a, b))], ["the same in both", listed.filter((c) => !differs(c, a, b))]] : [["objectives", goals], ...(limited.length ? [["limits", limited]] : []), ["chosen", listed.filter((c) => ![...goals, ...limited].includes(c))]];
  box.append(valueTable(parted.map(([part, members]) => [part, members, true]), false));
  const buttons = element("div", null, { class: "controls noprint" }), compare = element("button", "compare with …", { id: "compare", "aria-pressed": String(view.comparing) });
  compare.onclick = () => { view.comparing = !view.comparing; compare.setAttribute("aria-pressed", String(view.comparing)); compare.textContent = view.comparing ? "now choose the second point" : "compare with …"; };
  const all = element("button", "all figures and what is inside", { id: "to-points" });
  all.onclick = () => bringIntoView($("points-heading"), "start");
  buttons.append(compare, all); box.append(buttons);
}
async function drawPoints() {
  const box = $("points");
  box.replaceChildren();
  if (!view.chosen.length) return;
  const wait = element("p", "Computing the details of the point…", { class: "quiet" });
  if (data.live) box.append(wait);
  const details = await Promise.all(view.chosen.map(detailOf));
  box.classList.toggle("compared", view.chosen.length > 1);
  box.replaceChildren(comparison());
  const chips = details.filter((detail) => detail && detail.chip);
  view.chosen.forEach((row, at) => box.append(details[at] && details[at].chip ? chipPanel(row, details[at], at, chips) : pointPanel(row, details[at], at)));
  cue();
}
const BLOCK = data.chips ? "the task" : "the block"; // what the metrics that are not the system's belong to
const constant = (c) => distinct(c).length < 2 && count > 1;
// Parts of the table of all figures: name, columns and whether it starts open. Of two points, what differs is first.
function parts() {
  const goals = new Set(data.objectives.map((o) => o.name)), rest = metrics.filter((c) => !goals.has(c.name) && !c.name.endsWith("_std"));
  const chosen = parameters, wanted = metrics.filter((c) => goals.has(c.name)), [a, b] = view.chosen;
  if (b !== undefined) {
    const all = [...chosen, ...wanted, ...rest], differing = all.filter((c) => differs(c, a, b));
    return [["differs", differing, true], ["the same in both", all.filter((c) => !differing.includes(c)), false]];
  }
  const varying = rest.filter((c) => !constant(c)), open = !narrow();
  return [["chosen", chosen, true], ["objectives", wanted, true], ["the system", varying.filter((c) => c.part === "system"), open], [BLOCK, varying.filter((c) => c.part === "block"), open], ["the same in every point", rest.filter(constant), false]];
}
const nothing = (value) => value === null || value === undefined || Number.isNaN(value);
function differs(c, a, b) { // values have seven digits here
  const [first, second] = [c.values[a], c.values[b]];
  if (nothing(first) || nothing(second)) return nothing(first) !== nothing(second);
  return first !== second && !(Math.abs(second / first - 1) < 1e-6);
}
function changed(c, row_a, row_b) {
  const [a, b] = [c.values[row_a], c.values[row_b]];
  if (!differs(c, row_a, row_b)) return "=";
  return c.texts ? "" : change(c.unit, a, b);
}
function comparedRow(c, a, b, evidence) {
  const line = element("tr"), spread = columns.get(`${c.name}_std`);
  const text = (row) => shown(c, c.values[row]) + (spread ? ` ± ${shown({ unit: c.unit, prefixed: c.prefixed }, spread.values[row])}` : "");
  line.append(element("td", c.label, { title: c.doc }), element("td", text(a)));
  if (b !== undefined) line.append(element("td", text(b)), element("td", changed(c, a, b)));
  if (evidence) line.append(element("td", c.evidence, { class: "text" }));
  return line;
}
function valueTable(listed, evidence) {
  const [a, b] = view.chosen, both = b !== undefined;
  const scroll = element("div", null, { class: "scroll", tabindex: "0" }), table = element("table"), head = element("tr");
  const heads = [...(both ? ["", "A", "B", "B against A"] : ["", "value"]), ...(evidence ? ["evidence"] : [])];
  for (const text of heads) head.append(element("th", text));
  const thead = element("thead"); thead.append(head); table.append(thead);
  for (const [part, members, open] of listed) {
    if (!members.length) continue;
    const title = element("th", null, { colspan: heads.length, scope: "rowgroup", class: "part" }), line = element("tr"), body = element("tbody"), titles = element("tbody");
    const fold = element("button", null, { "aria-expanded": String(open) }), name = () => { fold.textContent = `${body.hidden ? "▸" : "▾"} ${part} (${members.length})`; };
    body.hidden = !open; name();
    fold.onclick = () => { body.hidden = !body.hidden; fold.setAttribute("aria-expanded", String(!body.hidden)); name(); };
    title.append(fold); line.append(title); titles.append(line); table.append(titles, body);
    for (const c of members) body.append(comparedRow(c, a, b, evidence));
  }
  scroll.append(table);
  return scroll;
}
function comparison() {
  const box = element("div", null, { class: "panel" }), [a] = view.chosen;
  box.append(element("h3", pointTitle()));
  if (state_of[a]) box.append(element("p", data.reasons.texts[numbers(data.reasons.codes, Uint16Array)[a]], { class: "warn" }));
  box.append(valueTable(parts(), true));
  return box;
}
const HATCHED = "glitches"; // some readers see it in the grey of its neighbours
const KIND_COLORS = { "inside cells": "#0072b2", "in pins": "#e69f00", "in wires": "#009e73", glitches: "#cc79a7", "clock tree": "#56b4e9", leakage: "#999999" };
function panelOf(row, at) {
  const box = element("div", null, { class: "panel" });
  box.append(element("h3", view.chosen.length > 1 ? `${"AB"[at]}: inside trial ${trial_of[row]}` : "Inside"));
  return box;
}
function chipPanel(row, detail, at, beside) {
  const box = panelOf(row, at);
  drawChip(box, detail, beside);
  return box;
}
function pointPanel(row, detail, at) {
  const box = panelOf(row, at);
  const command = `chipdse export ${data.study} --trial ${trial_of[row]} --to DIR`;
  if (!detail || detail.error) {
    if (detail) box.append(element("p", `Not available: ${detail.error}`, { class: "quiet" }));
    else box.append(element("p", "This report has no details of this trial. To add them:", { class: "quiet" }), element("pre", `chipdse report ${data.study} --details ${trial_of[row]}`, { tabindex: "0" }));
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
    path.append(element("summary", `Critical path: ${shown({ unit: "s" }, detail.critical_path_s)}${detail.clock_skew_s || detail.layout_delay_s ? ` (${shown({ unit: "s" }, detail.layout_delay_s)} of it added by layout, ${shown({ unit: "s" }, detail.clock_skew_s)} for clock skew)` : ""} to ${detail.endpoint}, ${detail.path.length} pins`));
    for (const stage of detail.path) {
      const line = element("tr");
      for (const text of [shown({ unit: "s" }, stage.arrival_s), stage.edge, stage.pin, stage.cell]) line.append(element("td", text, { class: "text" }));
      body.append(line);
    }
    list.append(body); const scroll = element("div", null, { class: "scroll", tabindex: "0" }); scroll.append(list); path.append(scroll); box.append(path);
    box.append(element("p", "This command repeats the evaluation:"), element("pre", detail.repeat, { tabindex: "0" }));
  }
  if (!data.chips) box.append(element("p", "This command exports the point for other tools:"), element("pre", command, { tabindex: "0" }));
  return box;
}

