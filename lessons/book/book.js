"use strict";
// A button on every block of code that copies it, without the numbers of its lines.
for (const block of document.querySelectorAll(".block")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  button.onclick = async () => {
    const lines = Array.from(block.querySelectorAll(".line"), line => line.textContent);
    try {
      await navigator.clipboard.writeText(lines.join("\n") + "\n");
      button.textContent = "Copied";
    } catch {  // a page that was opened as a file may not write there: the reader does it
      getSelection().selectAllChildren(block.querySelector("pre"));
      button.textContent = "Selected: press Ctrl-C";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  };
  block.append(button);
}

// On paper nothing can be unfolded.
addEventListener("beforeprint", () => {
  for (const folded of document.querySelectorAll("details")) folded.open = true;
});

// The sections of this page, at the side where there is room.
const sections = document.querySelectorAll("main h2[id]");
if (sections.length > 2) {
  const nav = document.createElement("nav");
  nav.className = "sections";
  nav.setAttribute("aria-label", "On this page");
  for (const section of sections) {
    const link = nav.appendChild(document.createElement("a"));
    link.href = "#" + section.id;
    link.textContent = section.firstChild.textContent.trim();
  }
  document.querySelector("header").append(nav);
}

// The search loads its index when it is first used. Every word must occur, in any order; where the
// title has them comes first.
const search = document.getElementById("search"), found = document.getElementById("found");
function find() {
  const words = search.value.toLowerCase().split(/\s+/).filter(word => word);
  const holds = text => words.every(word => text.toLowerCase().includes(word));
  const hits = words.length ? index.filter(([, title, text]) => holds(title + " " + text)) : [];
  hits.sort((a, b) => holds(b[1]) - holds(a[1]));
  found.replaceChildren(...hits.slice(0, 12).map(([address, title, text]) => {
    const item = document.createElement("li"), link = document.createElement("a");
    const at = Math.max(0, text.toLowerCase().indexOf(words[0]) - 30);
    link.href = address;
    link.innerHTML = title;  // text of our own pages, where < is written &lt;
    item.append(link, " … ");
    item.insertAdjacentHTML("beforeend", text.slice(at, at + 90).replace(/^[^ ]* |[^ ]*$/g, ""));
    return item;
  }));
  if (words.length && !hits.length) found.innerHTML = "<li>Nothing was found.</li>";
}
search.addEventListener("input", () => {
  if (typeof index !== "undefined") return find();
  const script = document.createElement("script");
  script.src = "search.js";
  script.onload = find;
  document.head.append(script);
});
