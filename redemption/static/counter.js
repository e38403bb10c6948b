// The counter: camera, photo, keyboard wedge. Without this module the form still works, by typing.
import { codeReader } from "./code-reader.js";

const form = document.querySelector("[data-counter]");
const amount = form.elements.amount;
const code = form.elements.code;
const box = form.querySelector("[data-scanner]");
const foot = form.querySelector("[data-scanner-foot]");
const video = box.querySelector("video");
const start = box.querySelector("[data-start]");
const stop = box.querySelector("[data-stop]");
const photo = foot.querySelector("[data-photo]");
const texts = box.dataset;
const read = codeReader(texts.library, texts.wasm);
// A frame every 100 ms keeps an old phone cool and still feels immediate.
const PAUSE_MS = 100;
let stream = null;

const say = (text) => (foot.querySelector("[data-say]").textContent = text);
const wait = (ms) => new Promise((done) => setTimeout(done, ms));

function redeem(text) {
  code.value = text;
  say(texts.found);
  navigator.vibrate?.(60);
  close();
  form.requestSubmit();
}

function close() {
  stream?.getTracks().forEach((track) => track.stop());
  stream = null;
  video.srcObject = null;
  video.hidden = stop.hidden = true;
  start.hidden = false;
  box.classList.remove("scanner--live");
}

async function open() {
  // Scanning redeems at once, so the amount has to be right before.
  if (!amount.reportValidity()) return;
  try {
    stream = await navigator.mediaDevices.getUserMedia({
      video: { facingMode: "environment", width: { ideal: 1280 }, height: { ideal: 720 } },
    });
  } catch (error) {
    say(error.name === "NotAllowedError" ? texts.denied : texts.missing);
    return;
  }
  video.srcObject = stream;
  video.hidden = stop.hidden = false;
  start.hidden = true;
  box.classList.add("scanner--live");
  say(texts.looking);
  await video.play();
  const mine = stream;
  while (stream === mine) {
    const found = video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA ? await read(video) : null;
    if (found && stream === mine) return redeem(found);
    await wait(PAUSE_MS);
  }
}

async function readPhoto() {
  const [file] = photo.files;
  photo.value = "";
  if (!file || !amount.reportValidity()) return;
  const picture = await createImageBitmap(file).catch(() => null);
  const found = picture && (await read(picture));
  if (found) redeem(found);
  else say(texts.nothing);
}

box.hidden = foot.hidden = false;
if (!navigator.mediaDevices?.getUserMedia) {
  box.hidden = true;
  say(texts.missing);
}
start.addEventListener("click", open);
stop.addEventListener("click", () => {
  close();
  say("");
});
photo.addEventListener("change", readPhoto);
addEventListener("pagehide", close);

// Enter in the amount leads to the code, where a wedge scanner types and sends by itself.
amount.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || code.value) return;
  event.preventDefault();
  if (amount.reportValidity()) code.focus();
});
// Digits in groups of four, as they are printed. A token from a wedge scanner is left alone.
code.addEventListener("input", () => {
  const digits = code.value.replace(/[\s-]/g, "");
  if (/^\d{1,12}$/.test(digits)) code.value = digits.replace(/(\d{4})(?=\d)/g, "$1 ");
});
// After a verdict a scanner may go on typing at once, and a finger is not met by a keyboard.
const verdict = document.querySelector("[data-verdict]");
if (verdict) (matchMedia("(pointer: fine)").matches ? code : verdict).focus({ preventScroll: true });
