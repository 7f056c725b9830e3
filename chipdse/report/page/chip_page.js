// ---------------------------------------------------------------- the page of `chipdse chip`
/* `data.chips` has the chips, each with its name, what it is best in, metrics, settings, and what
   is inside; `data.metrics` has the label and the unit of each metric. */
const chosen = { a: 0, b: data.chips.length > 1 ? 1 : null };

function figuresOf(chips) {
  const scroll = element("div", null, { class: "scroll", tabindex: "0" }), table = element("table"), body = element("tbody"), thead = element("thead");
  const line = (tag, cells) => { const row = element("tr"); for (const text of cells) row.append(element(tag, text)); return row; };
  const both = chips.length > 1;
  thead.append(line("th", both ? ["", "A", "B", "B against A"] : ["", "value"]));
  for (const name of Object.keys(chips[0].settings)) body.append(line("td", [name, ...chips.map((c) => c.settings[name]), ...(both ? [chips[0].settings[name] === chips[1].settings[name] ? "=" : ""] : [])]));
  for (const metric of data.metrics) {
    const values = chips.map((c) => c.metrics[metric.name]);
    if (values.every((value) => value === 0)) continue; // a level that the chips do not have
    body.append(line("td", [metric.label, ...values.map((v) => shown(metric, v)), ...(both ? [change(metric.unit, ...values)] : [])]));
  }
  table.append(thead, body); scroll.append(table);
  return scroll;
}
function drawChips() {
  const box = $("chips"), chips = [chosen.a, chosen.b].filter((at) => at !== null).map((at) => data.chips[at]), both = chips.length > 1;
  const inside = chips.map((c) => c.inside).filter((c) => !c.error), panel = element("div", null, { class: "panel" });
  box.replaceChildren(panel);
  box.classList.toggle("compared", both);
  panel.append(element("h3", both ? "Figures of both" : "Figures"), figuresOf(chips));
  chips.forEach((c, at) => {
    const each = element("div", null, { class: "panel" });
    each.append(element("h3", both ? `${"AB"[at]}: ${c.best}` : c.best), element("p", c.name, { class: "quiet" }));
    if (c.inside.error) each.append(element("p", `Not available: ${c.inside.error}`, { class: "quiet" }));
    else drawChip(each, c.inside, inside);
    box.append(each);
  });
  cue();
}
for (const [id, none] of [["a", false], ["b", true]]) {
  const select = $(`chip-${id}`);
  if (none) select.append(element("option", "none", { value: "" }));
  data.chips.forEach((c, at) => select.append(element("option", c.best, { value: String(at) })));
  select.value = chosen[id] === null ? "" : String(chosen[id]);
  select.onchange = () => { chosen[id] = select.value === "" ? null : Number(select.value); drawChips(); };
}
drawChips();
dark.addEventListener("change", drawChips);
addEventListener("resize", cue);
addEventListener("beforeprint", () => { for (const plot of document.querySelectorAll(".js-plotly-plot")) Plotly.Plots.resize(plot); });
document.body.dataset.ready = "yes";
