#include "page.h"

namespace gradus::page {

// How one number was computed. The page knows values only, not how an operation was called (such as
// which factor was transposed): it tries what fits the shapes, and shows an arithmetic only if that
// gives the number that was recorded (and for a product: every number).
const char* const steps_arithmetic = R"js(
"use strict";
const data = JSON.parse(document.getElementById("data").textContent), tensors = data.tensors;
const size = shape => shape.reduce((a, b) => a * b, 1);
const range = n => Array.from({ length: n }, (_, i) => i);
const short = v => typeof v !== "number" ? String(v)
  : v !== 0 && (Math.abs(v) < 1e-3 || Math.abs(v) >= 1e5) ? v.toExponential(2)
  : String(Number(v.toFixed(4)));
const part = v => v < 0 ? `(${short(v)})` : short(v);
const near = (a, b) => Math.abs(a - b) <= 1e-4 * Math.max(1e-3, Math.abs(a), Math.abs(b));
const whole = t => tensors[t].v.length === size(tensors[t].shape);
const total = list => list.reduce((a, b) => a + b, 0);
// "a + b + …", of at most ten terms.
const plus = (list, text) =>
  list.slice(0, 10).map(text).join(" + ") + (list.length > 10 ? ` + … (${list.length} terms)` : "");

// The position in a tensor of `shape` that is broadcast to place i of `to`.
function source(shape, to, i) {
  let at = 0, step = 1;
  for (let a = 1; a <= to.length; ++a) {
    const here = i % to[to.length - a], n = a <= shape.length ? shape[shape.length - a] : 1;
    i = Math.floor(i / to[to.length - a]);
    if (n > 1) at += here * step;
    step *= n;
  }
  return at;
}

// Of C = A B the terms [place in A, place in B] of place i of C, for A or B transposed or not.
function product(step, ta, tb, i) {
  const [a, b] = step.from, [sa, sb, sc] = [a, b, step.out].map(t => tensors[t].shape);
  const last = (s, k) => s.length >= k ? s[s.length - k] : 1;
  const [rows, inner] = ta ? [last(sa, 1), last(sa, 2)] : [last(sa, 2), last(sa, 1)];
  const columns = last(sc, 1), lead = sc.slice(0, -2);
  if ((tb ? last(sb, 1) : last(sb, 2)) !== inner || rows !== last(sc, 2)) return [];
  const c = i % columns, r = Math.floor(i / columns) % rows, m = Math.floor(i / columns / rows);
  const base = s => source(s.slice(0, -2), lead, m) * last(s, 1) * last(s, 2);
  return range(inner).map(k => [base(sa) + (ta ? k * rows + r : r * inner + k),
    base(sb) + (tb ? c * inner + k : k * columns + c)]);
}
// The way that gives every number of the result: one number alone may come out of several.
function fitting(step) {
  const [a, b, c] = step.from.map(t => tensors[t].v), out = tensors[step.out], last = out.shape.length - 1;
  const bias = i => out.op === "linear" ? c[i % out.shape[last]] : 0;
  step.way ??= [[0, 0], [0, 1], [1, 0], [1, 1]].find(way => out.v.every((v, i) => {
    const terms = product(step, ...way, i);
    return terms.length && near(total(terms.map(([p, q]) => a[p] * b[q])) + bias(i), v);
  })) || null;
  return step.way ? [step.way] : [];
}

// Rows along the last axis: the places that share one with place i.
const row = (shape, i) => {
  const n = shape[shape.length - 1];
  return range(n).map(k => i - i % n + k);
};
// What place i of a sum over one axis of `shape` (or over all) was added up from.
function* sums(shape, out, i) {
  if (size(out) === 1) yield range(size(shape));
  for (let a = 0; a < shape.length; ++a) {
    const inner = size(shape.slice(a + 1)), n = shape[a];
    if (size(out) * n !== size(shape)) continue;
    const start = Math.floor(i / inner) * inner * n + i % inner;
    yield range(n).map(k => start + k * inner);
  }
}

const signs = { add: "+", subtract: "−", multiply: "·", divide: "/" };
const apply = { add: (a, b) => a + b, subtract: (a, b) => a - b, multiply: (a, b) => a * b,
  divide: (a, b) => a / b };
const functions = {
  exp: [Math.exp, x => `e^${part(x)}`], log: [Math.log, x => `ln ${part(x)}`],
  sqrt: [Math.sqrt, x => `√${part(x)}`], tanh: [Math.tanh, x => `tanh ${part(x)}`],
  sigmoid: [x => 1 / (1 + Math.exp(-x)), x => `1 / (1 + e^−${part(x)})`],
  relu: [x => Math.max(x, 0), x => `max(0, ${short(x)})`], negate: [x => -x, x => `−${part(x)}`],
};

// Each yields [text without the result, its value, the cells it is made from as [tensor, place]].
function* forward(step, i) {
  const out = tensors[step.out], [a, b, c] = step.from, op = out.op;
  const A = tensors[a], B = tensors[b], cell = (t, k) => [t, k];
  if (op === "matmul" || op === "linear")
    for (const [ta, tb] of fitting(step)) {
      const terms = product(step, ta, tb, i);
      const bias = op === "linear" ? i % out.shape[out.shape.length - 1] : -1;
      if (!terms.length) continue;
      yield [plus(terms, ([p, q]) => `${part(A.v[p])}·${part(B.v[q])}`) +
        (bias < 0 ? "" : ` + ${part(tensors[c].v[bias])}`),
      total(terms.map(([p, q]) => A.v[p] * B.v[q])) + (bias < 0 ? 0 : tensors[c].v[bias]),
      [...terms.flatMap(([p, q]) => [cell(a, p), cell(b, q)]), ...(bias < 0 ? [] : [cell(c, bias)])]];
    }
  if (signs[op] && b !== undefined) {
    const p = source(A.shape, out.shape, i), q = source(B.shape, out.shape, i);
    yield [`${part(A.v[p])} ${signs[op]} ${part(B.v[q])}`, apply[op](A.v[p], B.v[q]),
      [cell(a, p), cell(b, q)]];
  }
  if (signs[op] && b === undefined) {  // a number of the program: found from the largest result
    const k = range(out.v.length).reduce((m, j) => Math.abs(out.v[j]) > Math.abs(out.v[m]) ? j : m, 0);
    const x = A.v[k], y = out.v[k];
    const other = { add: y - x, subtract: x - y, multiply: y / x, divide: x / y }[op];
    yield [`${part(A.v[i])} ${signs[op]} ${part(other)}`, apply[op](A.v[i], other), [cell(a, i)]];
  }
  if (op === "reshape") yield [`as it was: ${short(A.v[i])}`, A.v[i], [cell(a, i)]];
  if (functions[op]) {
    const [f, text] = functions[op];
    yield [text(A.v[i]), f(A.v[i]), [cell(a, i)]];
  }
  if (op === "softmax" || op === "masked_softmax") {
    const places = row(out.shape, i).filter(k => op === "softmax" || out.v[k] !== 0);
    const most = Math.max(...places.map(k => A.v[k])), e = k => Math.exp(A.v[k] - most);
    yield [`e^${part(A.v[i])} / (${plus(places, k => `e^${part(A.v[k])}`)})`,
      e(i) / total(places.map(e)), places.map(k => cell(a, k))];
  }
  if (op === "sum" || op === "mean" || op === "max")
    for (const places of sums(A.shape, out.shape, i)) {
      const values = places.map(k => A.v[k]), n = op === "mean" ? places.length : 1;
      if (op === "max") yield [`the largest of ${values.slice(0, 10).map(short).join(", ")}` +
        (values.length > 10 ? ", …" : ""), Math.max(...values), places.map(k => cell(a, k))];
      else yield [(n > 1 ? "(" : "") + plus(places, k => part(A.v[k])) + (n > 1 ? `) / ${n}` : ""),
        total(values) / n, places.map(k => cell(a, k))];
    }
}

// The same for what a backward step adds to place i of the gradient of input number `which`; cells
// of the gradient that comes in are ["d", place].
function* backward(step, which, i) {
  const out = tensors[step.out], x = step.from[which], X = tensors[x], d = step.d, op = out.op;
  const other = step.from[1 - which], O = tensors[other];
  const terms = (list, text, value, cells) => [plus(list, text), total(list.map(value)), cells];
  if (op === "matmul" || (op === "linear" && which < 2))
    for (const [ta, tb] of fitting(step)) {
      const uses = [];
      range(d.length).forEach(k => product(step, ta, tb, k).forEach(pair => {
        if (pair[which] === i) uses.push([k, pair[1 - which]]);
      }));
      if (uses.length) yield terms(uses, ([k, q]) => `${part(d[k])}·${part(O.v[q])}`,
        ([k, q]) => d[k] * O.v[q], uses.flatMap(([k, q]) => [["d", k], [other, q]]));
    }
  const places = range(d.length).filter(k => source(X.shape, out.shape, k) === i);
  if (op === "linear" && which === 2) yield terms(places, k => part(d[k]), k => d[k],
    places.map(k => ["d", k]));
  if (signs[op] && other !== undefined) {
    const sign = op === "subtract" && which === 1 ? -1 : 1, o = k => O.v[source(O.shape, out.shape, k)];
    const factor = k => op === "multiply" ? o(k) : op !== "divide" ? sign
      : which === 0 ? 1 / o(k) : -o(k) / X.v[i] ** 2;
    yield terms(places, k => `${part(d[k])}·${part(factor(k))}`, k => d[k] * factor(k),
      places.map(k => ["d", k]));
  }
  if (signs[op] && other === undefined) {
    const k = range(d.length).reduce((m, j) => Math.abs(out.v[j]) > Math.abs(out.v[m]) ? j : m, 0);
    const factor = op === "multiply" || op === "divide" ? out.v[k] / X.v[k] : 1;
    yield [`${part(d[i])} · ${part(factor)}`, d[i] * factor, [["d", i]]];
  }
  if (op === "softmax" || op === "masked_softmax") {
    const all = row(out.shape, i), y = out.v, dot = total(all.map(k => d[k] * y[k]));
    yield [`y · (dy − Σ dy y) = ${part(y[i])} · (${short(d[i])} − ${part(dot)}), where Σ dy y = ` +
      plus(all, k => `${part(d[k])}·${part(y[k])}`) + "; together", y[i] * (d[i] - dot),
    all.flatMap(k => [["d", k], [step.out, k]])];
  }
  const slope = { exp: out.v[i], log: 1 / X.v[i], sqrt: 0.5 / out.v[i], tanh: 1 - out.v[i] ** 2,
    sigmoid: out.v[i] * (1 - out.v[i]), relu: X.v[i] > 0 ? 1 : 0, negate: -1 }[op];
  if (slope !== undefined) yield [`${part(d[i])} · ${part(slope)}`, d[i] * slope,
    [["d", i], [x, i], [step.out, i]]];
  if (op === "sum" || op === "mean") {
    const n = op === "mean" ? X.v.length / out.v.length : 1;
    for (const k of range(d.length)) for (const list of sums(X.shape, out.shape, k))
      if (list.includes(i)) yield [n > 1 ? `${part(d[k])} / ${n}` : part(d[k]), d[k] / n, [["d", k]]];
  }
  yield [part(d[i]), d[i], [["d", i]]];  // passed on as it is
}

// The first arithmetic that gives the number that is there; null if none does.
function explain(step, which, i) {
  const made = which < 0;
  if (![step.out, ...step.from].every(whole)) return null;
  const input = made ? null : step.in[which], was = input && input.before ? input.before[i] : 0;
  const wanted = made ? tensors[step.out].v[i] : input.after[i] - was;
  for (const [text, value, cells] of made ? forward(step, i) : backward(step, which, i))
    if (near(value, wanted))
      return { text: `${text} = ${short(wanted)}` +
        (was ? `; it was ${short(was)}, and is now ${short(input.after[i])}` : ""), cells };
  return null;
}
)js";

}  // namespace gradus::page
