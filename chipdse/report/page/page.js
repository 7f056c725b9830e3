// ---------------------------------------------------------------- filters, controls, start
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
// Columns by group; those with the same value in every point are left out.
function fill(id, names, none) {
  const select = $(`axis-${id}`);
  if (none) select.append(element("option", none, { value: "" }));
  for (const [label, members] of names) {
    const group = element("optgroup", null, { label });
    for (const name of members) group.append(element("option", columns.get(name).label, { value: name }));
    if (members.length) select.append(group);
  }
  select.value = view[id];
  select.onchange = (event) => { view[id] = event.target.value; drawFront(); };
}
function drawStatic() {
  const goals = data.objectives.map((o) => o.name);
  const listed = (test) => [...columns.values()].filter((c) => !goals.includes(c.name) && !c.name.endsWith("_std") && !constant(c) && test(c)).map((c) => c.name);
  const metric = (part) => listed((c) => c.group === "metric" && !c.texts && c.part === part);
  const names = [["objectives", goals], ["parameters", listed((c) => c.group === "parameter")], ["the system", metric("system")], [BLOCK, metric("block")]];
  for (const id of ["x", "y", "depth"]) fill(id, names);
  fill("z", names, "none");
  fill("marker", [["parameters", varied.filter(grouped).map((c) => c.name)]], "none");
  const deep = () => { $("depth-label").hidden = !view.three; };
  deep();
  for (const [id, key] of [["three", "three"], ["front-only", "front_only"], ["show-infeasible", "infeasible"]]) {
    $(id).checked = view[key];
    $(id).onchange = (event) => { view[key] = event.target.checked; deep(); if (id === "three") drawFront(); else refresh(); };
  }
  $("controls").open = !narrow(); // on a phone the plot is first
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
function drawAll() { drawFront(); drawTable(); drawDock(); drawPoints(); requestAnimationFrame(() => { drawParallel(); drawImportance(); drawHistory(); cue(); }); }
drawFailures();
if (count && data.feasible) {
  drawStatic(); drawFilters();
  const asked = /trial=([\d,]+)/.exec(location.hash);
  view.chosen = (asked ? asked[1].split(",").map(Number) : data.first === null ? [] : [data.first]).map((t) => row_of.get(t)).filter((r) => r !== undefined).slice(0, 2);
  drawAll();
  dark.addEventListener("change", drawAll);
  addEventListener("resize", cue);
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
