// Hands the invitation to the phone's own share sheet, or to the clipboard. Without either: the digits.
const button = document.querySelector("[data-share]");
if (button && (navigator.share || navigator.clipboard)) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const { share: url, words: text, done } = button.dataset;
    try {
      if (navigator.share) return await navigator.share({ text, url });
      await navigator.clipboard.writeText(text + url);
      button.textContent = done;
    } catch {
      // The visitor changed their mind; the digits are still there.
    }
  });
}
