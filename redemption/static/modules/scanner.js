// The picture one holds a code up to, and the buttons around it.
import { Camera } from "./camera.js";
import { openReader } from "./reader.js";

const OFF = "till.camera-off";
const QUICK_FRAMES = 6; // so many are looked at quickly before one is looked at thoroughly
const REST_AFTER_MS = 120_000; // nobody is holding anything up

export class Scanner {
  #box;
  #video;
  #camera;
  #texts;
  #onTexts;
  #where;
  #reader = null;
  #wanted = false;

  /** `onTexts(texts, seen)` gets what was read and when it was seen, and says whether that will do. */
  constructor(box, { texts, where, onTexts }) {
    this.#box = box;
    this.#video = box.querySelector("video");
    this.#camera = new Camera(this.#video);
    this.#texts = texts;
    this.#where = where;
    this.#onTexts = onTexts;
    this.#button("start").addEventListener("click", () => this.open({ byHand: true }));
    this.#button("stop").addEventListener("click", () => this.#refuse());
    this.#button("torch").addEventListener("click", ({ currentTarget }) => this.#torch(currentTarget));
    this.#button("flip").addEventListener("click", () => this.#begin(() => this.#camera.next()));
    box.querySelector("[data-photo]").addEventListener("change", (event) => this.#photo(event.target));
    addEventListener("pagehide", () => this.#camera.stop());
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) this.#stop();
      else if (this.#wanted) this.open();
    });
  }

  /** Fetch what reads codes, before it is needed. */
  warm() {
    return (this.#reader ??= openReader(this.#where));
  }

  async open({ byHand = false } = {}) {
    this.#wanted = true;
    if (byHand) localStorage.removeItem(OFF);
    if (!navigator.mediaDevices?.getUserMedia) return this.say(this.#texts.missing);
    if (localStorage.getItem(OFF)) return this.say("");
    await this.#begin(() => this.#camera.start());
  }

  close() {
    this.#wanted = false;
    this.#stop();
  }

  /** Hold the picture still: it has been read. */
  freeze() {
    this.#video.pause();
  }

  say(text) {
    this.#box.querySelector("[data-say]").textContent = text;
  }

  #button(name) {
    return this.#box.querySelector(`[data-${name}]`);
  }

  #refuse() {
    localStorage.setItem(OFF, "1");
    this.#stop();
    this.say("");
  }

  #stop() {
    this.#camera.stop();
    this.#show(false);
  }

  #show(isLive) {
    this.#box.classList.toggle("scanner--live", isLive);
    this.#video.hidden = this.#button("stop").hidden = !isLive;
    this.#button("start").hidden = isLive;
    this.#button("torch").hidden = !(isLive && this.#camera.hasTorch);
    this.#button("torch").setAttribute("aria-pressed", "false");
    if (!isLive) this.#button("flip").hidden = true;
  }

  async #begin(start) {
    this.warm();
    try {
      await start();
    } catch (error) {
      this.#stop();
      const { denied, missing } = this.#texts;
      return this.say(error.name === "NotAllowedError" ? denied : missing);
    }
    if (!this.#camera.isLive) return; // overtaken
    this.#show(true);
    this.say(this.#texts.looking);
    this.#camera.count().then((count) => (this.#button("flip").hidden = count < 2));
    await this.#watch();
  }

  async #watch() {
    const read = await this.warm();
    const restAt = performance.now() + REST_AFTER_MS;
    for (let frame = 1; await this.#camera.frame(); frame++) {
      const seen = performance.now();
      if (seen > restAt) return this.#stop();
      const texts = await read(this.#video, { harder: frame % QUICK_FRAMES === 0 });
      if (!this.#camera.isLive) return;
      if (texts.length && this.#onTexts(texts, seen)) return;
    }
  }

  async #torch(button) {
    const isLit = await this.#camera.torch(button.getAttribute("aria-pressed") !== "true").catch(() => false);
    button.setAttribute("aria-pressed", String(isLit));
  }

  async #photo(input) {
    const [file] = input.files;
    input.value = "";
    const picture = file && (await createImageBitmap(file).catch(() => null));
    if (!picture) return;
    const read = await this.warm();
    const texts = await read(picture, { harder: true });
    if (!texts.length || !this.#onTexts(texts)) this.say(this.#texts.nothing);
  }
}
