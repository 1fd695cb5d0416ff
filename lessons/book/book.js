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
