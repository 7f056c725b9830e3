"use strict";
/* What every page of chipdse shares. A page shows one JSON document. Names are set as text, never
   as markup; Plotly reads a little markup in labels, so those are escaped for it. */

const data = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const dark = matchMedia("(prefers-color-scheme: dark)");
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const narrow = () => matchMedia("(max-width: 60rem)").matches;

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
  if (/^kg(CO2e)?(\/|$)/.test(unit) && value !== 0 && Math.abs(value) < 1) return shown({ unit: unit.slice(1), prefixed: true }, 1e3 * value);
  if (!prefixed(column)) return unit && unit !== "1" && unit !== "-" ? `${short(value)} ${unit}` : short(value);
  const size = Math.abs(value);
  const [scale, letter] = PREFIX.find(([s]) => size >= s * 0.9999999) || (size === 0 ? [1, ""] : PREFIX.at(-1));
  return `${short(value / scale)} ${letter}${unit}`;
}
const short = (value) => (Number.isInteger(value) && Math.abs(value) < 1e6 ? String(value) : String(Number(value.toPrecision(4))));
// Of b against a: of temperatures the difference, of signed values nothing, else the ratio.
function change(unit, a, b) {
  if (a === b) return "=";
  if (a === null || b === null || Number.isNaN(a) || Number.isNaN(b)) return "";
  const sign = b > a ? "+" : "−";
  if (unit === "°C") return `${sign}${Math.abs(b - a).toPrecision(3)} K`;
  if (a <= 0 || b < 0) return "";
  return b / a > 10 ? `× ${(b / a).toPrecision(3)}` : `${sign}${Math.abs(100 * (b / a - 1)).toPrecision(3)} %`;
}
function element(tag, text, attributes = {}) {
  const node = document.createElement(tag);
  if (text !== undefined && text !== null) node.textContent = text;
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}
// Tables and plots that are wider than the screen say so: many systems hide their scroll bars.
function cue() {
  for (const box of document.querySelectorAll(".scroll, .wide")) box.toggleAttribute("data-more", box.scrollWidth > box.clientWidth + 1);
}
