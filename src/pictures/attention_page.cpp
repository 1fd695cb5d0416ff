#include "page.h"

namespace gradus::page {

// One hue, from the paper's colour to the full one. Words on it turn from black to white (in the
// dark: from white to black) where that is the better to read, with a contrast above 4.3 to 1.
const char* const attention_style = R"css(
:root { --amount: 8 81 156; }
body {
  margin: 0 auto; max-width: 52rem; padding: 0 1rem 3rem; overflow-wrap: anywhere;
  font: 1rem/1.5 system-ui, Arial, sans-serif;
}
h1 { font-size: 1.4rem; line-height: 1.25; margin: 1.2rem 0 0.5rem; }
h2 { font-size: 1rem; margin: 1.8rem 0 0.4rem; }
.intro, .told, .note { color: var(--faint); font-size: 0.9rem; margin: 0.4rem 0; min-height: 1.5em; }
.choices {
  position: sticky; top: 0; z-index: 1; padding: 0.5rem 0;
  background: var(--paper); border-bottom: 1px solid var(--rule);
}
.choices, .choices div, .words { display: flex; flex-wrap: wrap; gap: 0.25rem; }
.choices { gap: 0.4rem 1.2rem; }
.choices div { align-items: center; }
.choices span { color: var(--faint); font-size: 0.85rem; margin-right: 0.2rem; }
.choices button {
  border: 1px solid var(--rule); border-radius: 4px; min-width: 2.2rem; padding: 0 0.5rem;
  font-size: 0.9rem;
}
.choices button[aria-pressed="true"] { border: 2px solid var(--ink); font-weight: bold; }
.word {
  border: 2px solid transparent; border-radius: 5px; padding: 0.1rem 0.35rem; min-width: 3.2rem;
  max-width: 100%; overflow-wrap: anywhere; background: rgb(var(--amount) / var(--shade, 0));
}
.word small { display: block; font-size: 0.75rem; font-variant-numeric: tabular-nums; }
.word i {
  display: block; border-radius: 3px 3px 0 0; font-size: 0.75rem; font-style: normal;
  color: var(--ink); background: linear-gradient(to right, var(--bar) 0 calc(100% * var(--part)),
    transparent 0) bottom / 100% 5px no-repeat var(--paper); padding-bottom: 5px;
}
.for { --bar: #0072b2; } .against { --bar: #d55e00; }
#time { width: 12rem; max-width: 50vw; }
figure { margin: 0.5rem 0; }
.word.shown { color: #000000; }
.word.strong { color: #ffffff; }
.word[aria-pressed] { border-color: var(--ink); }
.word[aria-pressed="false"] { border-style: dashed; }
@media (prefers-color-scheme: dark) {
  :root { --amount: 158 202 225; }
  .for { --bar: #56b4e9; } .against { --bar: #e69f00; }
  .word.shown { color: #ffffff; }
  .word.middle, .word.strong { color: #000000; }
}
)css";

const char* const attention_script = R"js(
"use strict";
// What is chosen: a layer and a head (from 0; head === heads is the mean of all heads), and whether
// the numbers say what the chosen word looks "at" or whom it is looked at "by".
const layers = Number(document.body.dataset.layers);
const heads = Number(document.body.dataset.heads);
const choice = { layer: 0, head: 0, direction: "at" };
const buttons = document.querySelectorAll("[data-choice]");

// One for each text; `chosen` is the number of a word or -1. A word that was clicked is held: it
// stays chosen when the mouse moves on. A text with a heading begins a page.
let pages = 0, now = -1;
const texts = Array.from(document.querySelectorAll("section"), section => ({
  section,
  page: section.querySelector("h2") || pages === 0 ? pages++ : pages - 1,
  words: Array.from(section.querySelectorAll(".word")),
  told: section.querySelector(".told"),
  weights: JSON.parse(section.querySelector("script").textContent),
  chosen: -1,
  held: false,
}));

// How much word `query` looks at word `key`.
function weight(text, query, key) {
  const length = text.words.length;
  let sum = 0;
  for (let head = 0; head < heads; ++head)
    if (choice.head === heads || choice.head === head)
      sum += text.weights[((choice.layer * heads + head) * length + query) * length + key];
  return choice.head === heads ? sum / heads : sum;
}

// The largest weight of the chosen head is the darkest, so that shades can be compared from word
// to word.
function draw(text) {
  if (text.chosen < 0) return;
  const at = choice.direction === "at";
  const all = text.words.map((_, i) => text.words.map((_, j) => weight(text, i, j)));
  const most = Math.max(0, ...all.map(row => Math.max(...row)));
  const shares = all.map((row, i) => at ? all[text.chosen][i] : row[text.chosen]);
  text.words.forEach((word, i) => {
    const shade = most > 0 ? Math.max(shares[i] / most, 0) : 0;
    word.style.setProperty("--shade", shade.toFixed(3));
    word.classList.add("shown");
    word.classList.toggle("middle", shade > 0.53);
    word.classList.toggle("strong", shade > 0.77);
    word.querySelector("small").textContent = shares[i].toFixed(3);
    if (i === text.chosen) word.setAttribute("aria-pressed", text.held);
    else word.removeAttribute("aria-pressed");
  });
  const name = i => text.words[i].querySelector("span").textContent;
  const order = shares.map((share, i) => i).sort((i, j) => shares[j] - shares[i]);
  text.told.textContent = `\u201c${name(text.chosen)}\u201d ${at ? "looks at" : "is looked at by"}: ` +
    order.slice(0, 4).map(i => `${name(i)} ${shares[i].toFixed(3)}`).join(", ");
}

function drawAll() {
  for (const button of buttons)
    button.setAttribute("aria-pressed", choice[button.dataset.choice] == button.dataset.value);
  texts.forEach(draw);
}

function choose(text, word, held) {
  Object.assign(text, { chosen: word, held });
  draw(text);
}

// Shows another page. What was chosen in its texts' predecessors is chosen in them, if it is there.
function turn(to) {
  const next = Math.min(Math.max(to, 0), pages - 1), old = texts.filter(text => text.page === now);
  if (next === now) return;
  now = next;
  const name = text => text.words.map(word => word.querySelector("span").textContent).join(" ");
  texts.filter(text => text.page === now).forEach((text, i) => {
    if (old[i] && name(old[i]) === name(text)) choose(text, old[i].chosen, old[i].held);
    else if (text.chosen < 0) choose(text, 0, false);
  });
  for (const text of texts) text.section.hidden = text.page !== now;
  for (const curve of ["f0", "f1", "f2", "f3"])
    document.querySelectorAll(`figure circle.${curve}`).forEach((dot, i) =>
      dot.setAttribute("r", i === now ? 7 : 3));
  if (pages < 2) return;
  document.getElementById("time").value = now + 1;
  document.getElementById("which").textContent = `${now + 1} of ${pages}`;
}

// The address names what is shown, all from 1 as on the page: #text=1&word=3&head=2&direction=by
function writeAddress(text) {
  const address = { text: texts.indexOf(text) + 1, word: text.chosen + 1,
    layer: choice.layer + 1, head: choice.head < heads ? choice.head + 1 : "mean",
    direction: choice.direction };
  history.replaceState(null, "", "#" + new URLSearchParams(address));
}

// What the address does not name, or names wrongly, is the first.
function readAddress() {
  const address = new URLSearchParams(location.hash.slice(1));
  const number = (key, count) => {
    const given = Number(address.get(key));
    return given >= 1 && given <= count ? Math.floor(given) - 1 : 0;
  };
  choice.layer = number("layer", layers);
  choice.head = address.get("head") === "mean" ? heads : number("head", heads);
  choice.direction = address.get("direction") === "by" ? "by" : "at";
  const text = texts[number("text", texts.length)];
  turn(text.page);
  choose(text, number("word", text.words.length), address.has("word"));
  drawAll();
}

for (const text of texts)
  text.words.forEach((word, i) => {
    word.onpointerenter = () => text.held || choose(text, i, false);
    word.onfocus = () => word.matches(":focus-visible") && choose(text, i, false);
    word.onclick = () => {
      choose(text, i, !(text.held && text.chosen === i));
      writeAddress(text);
    };
  });
for (const button of buttons)
  button.onclick = () => {
    const { choice: what, value } = button.dataset;
    choice[what] = what === "direction" ? value : Number(value);
    drawAll();
    writeAddress(texts.find(text => text.held && text.page === now) || first());
  };
const first = () => texts.find(text => text.page === now);
const turnTo = page => { turn(page); writeAddress(first()); };
if (pages > 1) {
  document.getElementById("time").oninput = event => turnTo(event.target.value - 1);
  document.getElementById("back").onclick = () => turnTo(now - 1);
  document.getElementById("on").onclick = () => turnTo(now + 1);
  addEventListener("keydown", event => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step && event.target.id !== "time") turnTo(now + step);
  });
}
addEventListener("hashchange", readAddress);
readAddress();
)js";

}  // namespace gradus::page
