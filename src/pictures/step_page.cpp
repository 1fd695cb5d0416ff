#include "page.h"

namespace gradus::page {

const char* const steps_style = R"css(
:root { --shade: #f5f5f8; --go: 11 87 164; --back: 190 80 0; --mark: #fff2b8; }
@media (prefers-color-scheme: dark) {
  :root { --shade: #242429; --go: 70 130 190; --back: 190 100 20; --mark: #4a4220; }
}
* { box-sizing: border-box; }
body { margin: 0; font: 15px/1.45 system-ui, Arial, sans-serif; }
header { position: sticky; top: 0; z-index: 1; padding: 0.4rem 1rem; background: var(--paper);
  border-bottom: 1px solid var(--rule); }
h1 { font-size: 1.1rem; margin: 0 0 0.3rem; }
h2 { font-size: 1rem; margin: 0.5rem 0; overflow-wrap: anywhere; }
#bar { display: flex; flex-wrap: wrap; gap: 0.5rem; align-items: center; }
#time { flex: 1; min-width: 8rem; min-height: 2rem; }
main { display: grid; gap: 0 1rem; padding: 0 1rem;
  grid-template-columns: minmax(0, 6fr) 250px minmax(0, 5fr); }
section { min-width: 0; }
.rule, #why, #code, td { font-family: ui-monospace, Menlo, "DejaVu Sans Mono", monospace; }
.rule, footer { color: var(--faint); font-size: 0.9rem; }
footer { padding: 0 1rem 1rem; }
.row { display: flex; flex-wrap: wrap; gap: 0.8rem 1.4rem; align-items: flex-start; }
.row > div { max-width: 100%; }
.scroll { overflow-x: auto; max-width: 100%; padding: 3px; }
table { border-collapse: collapse; margin-bottom: 0.3rem; }
caption { text-align: left; font-size: 0.85rem; white-space: nowrap; }
td { border: 1px solid var(--rule); padding: 0.15rem 0.4rem; min-width: 3.6em; font-size: 12px;
  text-align: right; background: rgb(var(--tone, 0 0 0) / var(--amount, 0)); }
td.used { box-shadow: inset 0 0 0 2px var(--ink); }
#why { min-height: 4.6em; margin: 0.4rem 0; padding: 0.5rem 0.7rem; background: var(--shade);
  border-left: 4px solid rgb(var(--go)); font-size: 13px; overflow-wrap: anywhere; }
#code { height: 60vh; overflow: auto; background: var(--shade); border: 1px solid var(--rule);
  font-size: 12px; white-space: pre; }
#code div { padding: 0 0.6rem; min-width: max-content; }
#code div::before { content: attr(data-n); display: inline-block; width: 2.6em; color: var(--faint);
  margin-right: 0.8em; text-align: right; }
#code .now { background: var(--mark); font-weight: 600; }
#graph { width: 250px; max-width: 100%; height: auto; }
#graph rect { fill: var(--paper); stroke: var(--rule); stroke-dasharray: 4 3; }
#graph .go rect { fill: rgb(var(--go) / 0.2); stroke: rgb(var(--go)); stroke-dasharray: none; }
#graph .back rect { fill: rgb(var(--back) / 0.25); stroke: rgb(var(--back)); stroke-dasharray: none; }
#graph .now rect { stroke-width: 4; }
#graph text { fill: var(--ink); font-size: 11px; text-anchor: middle; }
#graph path { fill: none; stroke: var(--rule); }
#graph path.go { stroke: rgb(var(--go)); stroke-width: 3; }
#graph path.back { stroke: rgb(var(--back)); stroke-width: 3; }
@media (max-width: 900px) { main { display: block; } #code { height: 14rem; } }
@media print { header { position: static; } #code { height: auto; } #bar { display: none; } }
)css";

const char* const steps_script = R"js(
const byId = id => document.getElementById(id), steps = data.steps;
const escaped = text => text.replace(/[&<>"]/g, c => `&#${c.charCodeAt(0)};`);
const nameOf = t => tensors[t].name || (tensors[t].op === "tensor"
  ? `matrix of line ${tensors[t].line}` : `${tensors[t].op} of line ${tensors[t].line}`);
const madeFrom = {};  // by tensor: what it was computed from
for (const step of steps) {
  if (step.k === "f") madeFrom[step.out] = step.in;
  step.from = step.k === "b" ? step.in.map(x => x.t) : step.in || [];
}
const mostRows = 16, mostColumns = 12, mostMatrices = 4;
let now = 0, shown = "";

const rules = {
  matmul: ["C = A B: a row times a column", "dA = dC Bᵀ, dB = Aᵀ dC"],
  linear: ["y = x W + b", "dx = dy Wᵀ, dW = xᵀ dy, db = Σ dy"],
  softmax: ["y = e^x / Σ e^x, along each row", "dx = y (dy − Σ dy y)"],
  add: ["a + b", "the gradient goes to both"], subtract: ["a − b", "to a as it is, to b with −"],
  multiply: ["a · b", "da = dy · b, db = dy · a"], divide: ["a / b", "da = dy / b"],
  exp: ["e^x", "dx = dy · y"], sum: ["the sum along an axis", "each summand gets dy"],
  slice: ["a part", "the gradient goes where the part came from, 0 elsewhere"],
  layer_norm: ["(x − mean) / deviation · scale + shift, row by row", ""],
};

// A tensor as tables of its last two axes: `role` is "v" for values, "d" for the gradient of the
// result, a number for the gradient of that input.
function tables(t, values, role, title) {
  const shape = tensors[t].shape, columns = shape[shape.length - 1] || 1;
  const rows = shape.length > 1 ? shape[shape.length - 2] : 1;
  const matrices = Math.ceil(values.length / rows / columns);
  const most = Math.max(1e-9, ...values.map(v => Math.abs(v) || 0));
  const cut = rows > mostRows || columns > mostColumns || matrices > mostMatrices || !whole(t);
  let html = "";
  for (let m = 0; m < Math.min(matrices, mostMatrices); ++m) {
    html += `<div class="scroll"><table role="grid" data-t="${t}" data-role="${role}"><caption>` +
      `<b>${escaped(title)}</b> [${shape.join(", ")}]${matrices > 1 ? `, part ${m + 1}` : ""}` +
      `${cut ? ", cut" : ""}</caption>`;
    for (let r = 0; r < Math.min(rows, mostRows); ++r) {
      html += "<tr>";
      for (let c = 0; c < Math.min(columns, mostColumns); ++c) {
        const i = (m * rows + r) * columns + c, v = values[i];
        if (v !== undefined) html += `<td role="gridcell" tabindex="${r + c ? -1 : 0}" data-i="${i}"` +
          ` style="--tone:var(${v < 0 ? "--back" : "--go"});` +
          `--amount:${(0.5 * Math.abs(v || 0) / most).toFixed(2)}">${short(v)}</td>`;
      }
      html += "</tr>";
    }
    html += "</table></div>";
  }
  return `<div>${html}</div>`;
}

function panel(step) {
  if (step.k === "s") return "<h2>backward() begins</h2><p>So far every step was written down. Now " +
    "the same steps are walked in reverse: each is told how much the result changes with its output, " +
    "and tells its inputs.</p>";
  const rule = rules[tensors[step.out].op], forward = step.k === "f", name = nameOf(step.out);
  const inputs = [...new Set(step.from)].map(t => tables(t, tensors[t].v, "v", nameOf(t))).join("");
  const result = tables(step.out, tensors[step.out].v, "v", name);
  const title = `${forward ? "" : "backward through "}${tensors[step.out].op}: ${name}`;
  const gradients = forward ? "" : tables(step.out, step.d || [], "d", `d ${name}, comes in`) +
    step.in.map((x, n) => x.after ? tables(x.t, x.after, n, `d ${nameOf(x.t)}` +
      (x.before ? ", added to what was there" : "")) : "").join("");
  return `<h2>${escaped(title)}</h2><p class="rule">${rule ? rule[forward ? 0 : 1] : ""}</p>` +
    `<div class="row">${gradients}${inputs}${result}</div>` +
    '<div id="why" role="status">Point at a number to see how it was computed.</div>';
}

// The tensors near this step, level by level, each below what it was computed from.
function graph(step) {
  const near = steps.slice(Math.max(0, now - 400)).filter(s => s.k === "f").length > 40;
  const at = step.out === undefined ? steps.findIndex((s, i) => i > now && s.k === "b") : now;
  const center = at < 0 ? 0 : steps.findIndex(s => s.k === "f" && s.out === steps[at].out);
  const used = new Set();
  steps.forEach((s, i) => {
    if (s.k === "f" && (!near || Math.abs(i - center) < 10)) [s.out, ...s.in].forEach(t => used.add(t));
  });
  const level = {}, ids = [...used].sort((a, b) => a - b);
  const levelOf = t => level[t] ?? (level[t] =
    1 + Math.max(-1, ...(madeFrom[t] || []).filter(f => used.has(f)).map(levelOf)));
  const levels = [];
  ids.forEach(t => (levels[levelOf(t)] ||= []).push(t));
  const place = {}, state = {};
  levels.forEach((list, y) => list.forEach((t, x) => { place[t] = [250 * (x + 0.5) / list.length, 46 * y + 24]; }));
  steps.slice(0, now + 1).forEach(s => {
    if (s.out !== undefined) state[s.out] = s.k === "f" ? "go" : "back";
    if (s.k === "b") s.in.forEach(x => { if (x.after && !madeFrom[x.t]) state[x.t] = "back"; });
  });
  let svg = `<title>The graph near this step: ${ids.length} tensors</title>`;
  for (const t of ids) for (const f of (madeFrom[t] || []).filter(from => used.has(from))) {
    const [x, y] = place[f], [to, below] = place[t], hot = step.out === t ? state[t] : "";
    svg += `<path class="${hot}" d="M${x} ${y + 14}C${x} ${y + 26} ${to} ${below - 26} ${to} ${below - 14}"/>`;
  }
  for (const t of ids) {
    const [x, y] = place[t], wide = Math.min(90, 250 / levels[level[t]].length - 4);
    svg += `<g class="${state[t] || ""}${step.out === t ? " now" : ""}"><rect x="${x - wide / 2}" y="${y - 14}"` +
      ` width="${wide}" height="28" rx="${madeFrom[t] ? 3 : 12}"/><text x="${x}" y="${y + 4}">` +
      `${escaped((tensors[t].name || tensors[t].op).slice(0, Math.floor(wide / 6.4)))}</text></g>`;
  }
  byId("graph").setAttribute("viewBox", `0 0 250 ${46 * levels.length + 4}`);
  byId("graph").innerHTML = svg;
}

function listing(step) {
  const { file, line } = step.k === "s" ? step : tensors[step.out];
  if (shown !== file) byId("code").innerHTML = (data.files[file] || []).map((text, i) =>
    `<div data-n="${i + 1}">${escaped(text) || " "}</div>`).join("");
  shown = file;
  byId("file").textContent = `${file}:${line}`;
  for (const old of document.querySelectorAll("#code .now")) old.classList.remove("now");
  const row = byId("code").children[line - 1];
  if (!row) return;
  row.classList.add("now");
  byId("code").scrollTop = row.offsetTop - byId("code").offsetTop - byId("code").clientHeight / 3;
}

function show(i) {
  now = Math.max(0, Math.min(steps.length - 1, i || 0));
  const step = steps[now], kind = { f: "forward", b: "backward", s: "backward() begins" }[step.k];
  byId("panel").innerHTML = panel(step);
  graph(step);
  listing(step);
  byId("time").value = now + 1;
  byId("time").setAttribute("aria-valuetext", `step ${now + 1}, ${kind}, ${step.out === undefined ? "" : nameOf(step.out)}`);
  byId("which").textContent = `step ${now + 1} of ${steps.length}, ${kind}`;
  history.replaceState(null, "", `#step=${now + 1}`);
}

function why(cell) {
  const step = steps[now], table = cell.closest("table"), t = Number(table.dataset.t);
  const role = table.dataset.role, i = Number(cell.dataset.i);
  for (const old of document.querySelectorAll(".used")) old.classList.remove("used");
  cell.classList.add("used");
  const made = role === "v" ? (step.k === "f" && t === step.out ? -1 : null) : role === "d" ? null : Number(role);
  const found = made === null ? null : explain(step, made, i);
  byId("why").textContent = found ? found.text : made === null
    ? "This number was there before this step." : "This page does not know the arithmetic of this number.";
  for (const [from, place] of found ? found.cells : []) {
    const where = from === "d" ? '[data-role="d"]' : `[data-role="v"][data-t="${from}"]`;
    const used = document.querySelector(`table${where} td[data-i="${place}"]`);
    if (used) used.classList.add("used");
  }
}

byId("time").max = steps.length;
byId("time").oninput = () => show(byId("time").value - 1);
byId("back").onclick = () => show(now - 1);
byId("on").onclick = () => show(now + 1);
byId("cut").textContent = data.dropped ? `The first ${steps.length} steps are here; ${data.dropped} more were not kept.` : "";
for (const event of ["pointerover", "focusin"])
  byId("panel").addEventListener(event, e => { const cell = e.target.closest("td"); if (cell) why(cell); });
addEventListener("keydown", e => {
  const move = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 0, ArrowUp: 0 }[e.key];
  if (move === undefined || e.target.id === "time" || e.target.id === "code") return;
  const cell = e.target.closest("td");
  if (cell) {
    const down = { ArrowDown: 1, ArrowUp: -1 }[e.key] || 0, line = cell.parentElement;
    const other = line.parentElement.rows[line.rowIndex + down], next = other && other.cells[cell.cellIndex + move];
    if (next) next.focus();
  } else if (move) show(now + move);
  if (cell || move) e.preventDefault();
});
// #step=17, or the first step of a line of the program or below: #line=122.
function fromAddress() {
  const address = new URLSearchParams(location.hash.slice(1)), line = Number(address.get("line"));
  const lineOf = s => s.k === "s" ? s.line : tensors[s.out].line;
  show(line ? steps.findIndex(s => s.k !== "b" && lineOf(s) >= line) : address.get("step") - 1);
}
addEventListener("hashchange", fromAddress);
if (steps.length) fromAddress();
else byId("panel").innerHTML = "<p>Nothing was computed.</p>";
)js";

}  // namespace gradus::page
