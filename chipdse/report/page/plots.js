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
function wide(values) {
  const { cmin, cmax } = extent(values);
  return cmin > 0 && cmax / cmin > 20;
}
