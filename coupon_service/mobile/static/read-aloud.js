// With large type, what a page says can be heard: a button in each part marked data-readable.
// Where the phone cannot speak there is no button.
const voices = window.speechSynthesis;
const word = document.documentElement.dataset;
if (voices && window.SpeechSynthesisUtterance) {
  for (const part of document.querySelectorAll("[data-readable]")) {
    (part.querySelector("[data-read-here]") ?? part).append(reader(part));
  }
  addEventListener("pagehide", () => voices.cancel());
}

function reader(part) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button button--quiet read";
  button.textContent = word.listen;
  button.setAttribute("aria-pressed", "false");
  button.addEventListener("click", () => {
    const speaking = button.getAttribute("aria-pressed") === "true";
    voices.cancel();
    if (speaking) return;
    const said = new SpeechSynthesisUtterance(sentences(part, button));
    said.lang = document.documentElement.lang;
    said.rate = 0.85;
    said.onend = said.onerror = () => show(button, false);
    voices.speak(said);
    show(button, true);
  });
  return button;
}

function show(button, speaking) {
  button.setAttribute("aria-pressed", String(speaking));
  button.textContent = speaking ? word.quiet : word.listen;
}

// Its words in order, a pause after each block.
function sentences(part, button) {
  const pieces = [];
  const walker = document.createTreeWalker(part, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const text = node.data.trim();
    if (text && !button.contains(node)) pieces.push(text);
  }
  return pieces.join("，");
}
