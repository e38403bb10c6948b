// Keeps the visitor in the street: lanterns are lit without leaving the page, and what comes of it is
// shown over it. Without WebGL the lanterns below the picture do the same.
const stage = document.querySelector("[data-stage]");
const win = document.querySelector("[data-win]");
const progress = document.querySelector("[data-progress]");
const sheet = document.querySelector("[data-sheet]");
const enter = document.querySelector("[data-enter]");
const lanterns = [...document.querySelectorAll("[data-lantern]")];
const lit = new Set(lanterns.filter((one) => "isLit" in one.dataset).map((one) => one.dataset.lantern));
let street = null;

for (const one of lanterns) {
  one.addEventListener("click", (event) => {
    event.preventDefault();
    street?.lookAt(one.dataset.lantern);
    light(one.dataset.lantern);
  });
}

function light(number) {
  if (lit.has(number)) return;
  lit.add(number);
  lanterns.find((one) => one.dataset.lantern === number).classList.add("lantern--lit");
  street?.light(number);
  const all = lit.size === lanterns.length;
  progress.textContent = all ? stage.dataset.allLit : stage.dataset.lit.replace("{n}", lit.size);
  if (!all) return;
  win.hidden = false;
  // Long enough to see the last one light up.
  setTimeout(() => win.requestSubmit(), street ? 1100 : 0);
}

// Pages are shown in a sheet over the street. What they link to, other than what they send, is left to the browser.
async function show(address, options) {
  const answer = await fetch(address, { ...options, headers: { Accept: "text/html" } });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const content = sheet.querySelector("[data-sheet-content]");
  content.replaceChildren(...page.querySelector("main").childNodes);
  if (!sheet.open) sheet.showModal();
  sheet.scrollTop = 0;
  const shop = content.querySelector("[data-order]");
  if (shop) {
    const { addUp } = await import(scriptNextTo("scene-shop.js"));
    addUp(shop);
  }
}

function say(form, sentence) {
  const place = form.querySelector("[role=alert]") ?? form.appendChild(document.createElement("p"));
  place.setAttribute("role", "alert");
  place.className = "small refusal";
  place.textContent = sentence;
}

const scriptNextTo = (name) => new URL(name, import.meta.url).href;

addEventListener("submit", async (event) => {
  const form = event.target;
  if (event.defaultPrevented || !form.matches("[data-win], [data-order]")) return;
  event.preventDefault();
  try {
    if (stage.dataset.place === "needed") await place(form);
    await show(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
  } catch {
    // It may have arrived all the same, so it is not sent again by itself.
    say(form, stage.dataset.noNetwork);
  } finally {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("button")) button.disabled = false;
  }
});

document.querySelector("[data-door]")?.addEventListener("click", (event) => {
  event.preventDefault();
  openDoor(event.currentTarget.href);
});
sheet.querySelector("[data-close]").addEventListener("click", () => sheet.close());
sheet.addEventListener("click", (event) => {
  if (event.target === sheet || event.target.closest("[data-back]")) {
    event.preventDefault();
    sheet.close();
  }
});

function openDoor(address) {
  show(address).catch(() => location.assign(address));
}

function place(form) {
  return new Promise((done) => {
    if (!navigator.geolocation) return done();
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        form.elements.lat.value = coords.latitude.toFixed(5);
        form.elements.lon.value = coords.longitude.toFixed(5);
        done();
      },
      () => {
        progress.textContent = stage.dataset.noPlace;
        done();
      },
      { enableHighAccuracy: true, maximumAge: 30_000, timeout: 10_000 },
    );
  });
}

// --- The drawn street -----------------------------------------------------------------------------

const hasWebGL = () => {
  try {
    return Boolean(document.createElement("canvas").getContext("webgl2"));
  } catch {
    return false;
  }
};

if (hasWebGL()) {
  enter.hidden = false;
  document.querySelector("[data-with-camera]").addEventListener("click", () => begin(true));
  document.querySelector("[data-drawn]").addEventListener("click", () => begin(false));
}

async function begin(withCamera) {
  enter.hidden = true;
  // The phone asks for each of these only while a tap is being answered.
  const held = askForOrientation();
  const picture = withCamera ? await openCamera() : false;
  if (withCamera && !picture) progress.textContent = stage.dataset.noCamera;
  const [THREE, { Street }] = await Promise.all([
    import(stage.dataset.library),
    import(scriptNextTo("scene-street.js")),
  ]);
  const canvas = stage.querySelector("[data-canvas]");
  canvas.hidden = false;
  document.body.classList.add("is-live");
  street = new Street(THREE, canvas, {
    picture,
    still: matchMedia("(prefers-reduced-motion: reduce)").matches,
    onLantern: light,
    onDoor: () => document.querySelector("[data-door]")?.click(),
  });
  for (const number of lit) street.light(number);
  if (await held) street.followPhone();
  document.querySelector("[data-tip]").hidden = false;
  canvas.dataset.drawn = "1";
}

async function askForOrientation() {
  if (!("DeviceOrientationEvent" in window) || !matchMedia("(pointer: coarse)").matches) return false;
  if (!DeviceOrientationEvent.requestPermission) return true;
  return DeviceOrientationEvent.requestPermission().then((answer) => answer === "granted", () => false);
}

async function openCamera() {
  const video = stage.querySelector("[data-camera]");
  try {
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" }, audio: false });
    await video.play();
    video.hidden = false;
  } catch {
    return false;
  }
  // The camera rests while nobody looks.
  document.addEventListener("visibilitychange", () => {
    for (const track of video.srcObject.getTracks()) track.enabled = !document.hidden;
  });
  addEventListener("pagehide", () => video.srcObject.getTracks().forEach((track) => track.stop()));
  return true;
}
