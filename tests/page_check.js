// Looks a page over in the browser, and leaves what is wrong in data-faults of its body.
// Every control and region has a name; headings go down one level at a time; text can be read.
const faults = [], lost = document.documentElement.dataset.error;
for (const e of document.querySelectorAll("button, input, [role=region], section, table, svg"))
  if (!(e.getAttribute("aria-label") || (e.labels && e.labels.length) || e.textContent.trim() || e.querySelector("caption, title")))
    faults.push("no name: " + e.outerHTML.slice(0, 60));
let level = 0;
for (const h of document.querySelectorAll("h1, h2, h3")) {
  if (Number(h.tagName[1]) > level + 1) faults.push("heading " + h.textContent);
  level = Number(h.tagName[1]);
}
const light = c => { const [r, g, b] = c.map(v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const rgb = s => s.match(/[\d.]+/g).map(Number);
const paper = rgb(getComputedStyle(document.body).backgroundColor);
for (const e of document.querySelectorAll("td, p, h1, h2, caption, #why, #code div, button")) {
  const ink = rgb(getComputedStyle(e).color), own = rgb(getComputedStyle(e).backgroundColor);
  const amount = own.length > 3 ? own[3] : 1;
  const ground = paper.map((v, i) => v * (1 - amount) + own[i] * amount);
  const [low, high] = [light(ink), light(ground)].sort((x, y) => x - y);
  if ((high + 0.05) / (low + 0.05) < 4.5) faults.push("contrast of " + e.textContent.slice(0, 20));
}
if (document.documentElement.scrollWidth > innerWidth) faults.push("scrolls sideways");
document.body.dataset.faults = faults.concat(lost ? [lost] : []).join("; ");
