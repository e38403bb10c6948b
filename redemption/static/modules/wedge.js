// A scanner that types: faster than any hand, then Enter or Tab. It is heard wherever the focus is, and
// what it types does not stay in the field that happened to have it.

const GAP_MS = 35; // between two letters, on average
const HAND_MS = 100; // a longer silence, and somebody has begun to type
const HICCUP_MS = 500; // a scanner over the air stops for a moment
const LETTERS_MIN = 6;

export function hearWedge(onScan) {
  let letters = "";
  let first = 0;
  let last = 0;
  let field = null;
  let before = "";

  const isQuick = () => letters.length > 1 && last - first < GAP_MS * letters.length;
  const isFast = () => letters.length >= LETTERS_MIN && isQuick();

  function giveBack() {
    if (!field || !("value" in field) || field.value === before) return;
    field.value = before;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function begin(now) {
    letters = "";
    first = now;
    field = document.activeElement;
    before = field?.value ?? "";
  }

  function hear(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
    const ends = event.key === "Enter" || event.key === "Tab";
    const letter = letterOf(event);
    if (!ends && letter === "") return;
    const now = event.timeStamp;
    if (now - last > (isQuick() ? HICCUP_MS : HAND_MS)) begin(now);
    if (ends) return end(event);
    letters += letter;
    last = now;
    if (!isFast()) return;
    event.preventDefault();
    giveBack();
  }

  function end(event) {
    const scanned = isFast() ? letters : "";
    letters = "";
    if (!scanned) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    // An input method that has begun to make words of it is stopped by losing the focus.
    field?.blur();
    giveBack();
    onScan(scanned);
  }

  addEventListener("keydown", hear, { capture: true });
}

// While a Chinese input method listens, an event says which key it was and not which letter.
function letterOf(event) {
  if (event.key.length === 1) return event.key;
  if (!event.isComposing && event.key !== "Process") return "";
  return /^(?:Key([A-Z])|(?:Digit|Numpad)(\d))$/.exec(event.code)?.slice(1).join("") ?? "";
}
