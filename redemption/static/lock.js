// A till that is left alone asks for the clerk's PIN again, as the server will anyway.
const form = document.querySelector("[data-lock-after-s]");
let timer = 0;

function wait() {
  clearTimeout(timer);
  timer = setTimeout(() => form.requestSubmit(), form.dataset.lockAfterS * 1000);
}

if (form) {
  wait();
  for (const sign of ["pointerdown", "keydown"]) addEventListener(sign, wait, { passive: true });
}
