/* The report of a study: its points and what is chosen of them. The files common, data, plots,
   chips, front, parallel, points and page are one script, in this order. */
const STATES = ["feasible", "infeasible", "failed"];
// Okabe and Ito's palette: told apart by readers with any colour vision; shapes differ too.
const LOOK = {
  feasible: { color: "#8d99a6", symbol: "circle", size: 6 },
  infeasible: { color: "#d55e00", symbol: "x-thin-open", size: 7 },
  front: { color: "", symbol: "diamond", size: 10 },
};

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
// Under ranges: ends of the 90 % intervals by metric, and the share of draws on the front.
const interval_of = new Map();
for (const [name, ends] of Object.entries(data.ranges ? data.ranges.columns : {})) interval_of.set(name, ends.map((end) => numbers(end, Float32Array)));
const probability_of = data.ranges ? numbers(data.ranges.probability, Float32Array) : null;
const certain = (row) => (probability_of ? 0.2 + 0.8 * (probability_of[row] || 0) : 1); // the opacity of a point
const percent = (row) => `${Math.round(100 * (probability_of[row] || 0))} %`;
function interval(c, row) {
  const ends = interval_of.get(c.name);
  return ends && ends[0][row] < ends[1][row] ? `${shown(c, ends[0][row])} to ${shown(c, ends[1][row])}` : "";
}
const metrics = [...columns.values()].filter((c) => c.group === "metric");
const parameters = [...columns.values()].filter((c) => c.group === "parameter");
const row_of = new Map(Array.from(trial_of, (trial, row) => [trial, row]));

const heading = (c) => (c.unit && c.unit !== "m2" && c.unit !== "1" && c.unit !== "-" ? `${c.label} [${c.unit}]` : c.label);

// ---------------------------------------------------------------- what is chosen
// A failed point may have got no value of some parameters.
const distinct_of = new Map();
function distinct(c) {
  if (!distinct_of.has(c.name)) distinct_of.set(c.name, [...new Set(c.values.filter((v, row) => state_of[row] !== 2 && Number.isFinite(v)))].sort((a, b) => a - b));
  return distinct_of.get(c.name);
}
const GROUPS = 6; // as many colours and shapes as are told apart
const grouped = (c) => c.group === "parameter" && distinct(c).length <= GROUPS && distinct(c).length > 1;
const varied = parameters.filter((c) => distinct(c).length > 1);
// A colour that all of the front has shows nothing: text that differs there first, then numbers.
const differs_on_front = (c) => new Set(c.values.filter((v, row) => on_front[row])).size > 1;
const texts = varied.filter((c) => c.texts && grouped(c));
const by_text = texts.find(differs_on_front) || varied.find((c) => grouped(c) && differs_on_front(c)) || texts[0];
const objective = (at) => (data.objectives[at] ? data.objectives[at].name : "");
const view = {
  x: objective(0), y: objective(1) || objective(0),
  z: objective(2) || (by_text ? by_text.name : ""), // the colour
  marker: by_text && (by_text.texts || !objective(2)) ? by_text.name : "",
  depth: objective(2) || (varied[0] ? varied[0].name : objective(0)),
  three: false, front_only: false, infeasible: true, every_row: false, comparing: false,
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
  const matching = [];
  for (let row = 0; row < count; row++) if (test(row)) matching.push(row);
  return matching;
}
const linked = (row) => visible(row) && (!view.brushed || view.brushed.has(row)) && (!view.selected || view.selected.has(row));
