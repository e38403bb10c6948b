// The answer, so large that it is read from an arm's length. One tap or Enter, and it is gone.
import { yuan } from "./money.js";

// A finger, or a scanner's Enter, that was on its way already means nothing.
const DEAF_MS = 400;

export class Card {
  #dialog;
  #shown_ms = 0;
  #choose = () => {};

  constructor(dialog) {
    this.#dialog = dialog;
    dialog.addEventListener("click", (event) => this.#click(event));
    dialog.addEventListener("submit", (event) => this.#submit(event));
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      this.#otherwise();
    });
    dialog.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.target !== dialog) return;
      event.preventDefault(); // or it would be meant for the field that gets the focus back
      this.#otherwise();
    });
  }

  get isOpen() {
    return this.#dialog.open;
  }

  /** Shows the card of this name. Slots: amounts in fen are numbers; what is empty is not shown. */
  show(name, slots) {
    const card = this.#dialog.querySelector(`[data-card="${name}"]`).content.cloneNode(true);
    for (const slot of card.querySelectorAll("[data-slot]")) {
      const value = slots[slot.dataset.slot];
      if (slot.tagName === "A") slot.href = value;
      else slot.textContent = typeof value === "number" ? yuan(value) : (value ?? "");
    }
    // Large sums are set smaller, so that they stay on one line.
    this.#dialog.style.setProperty("--chars", yuan(slots.paysFen ?? 0).length);
    for (const part of card.querySelectorAll("[data-if]")) part.hidden = !slots[part.dataset.if];
    this.#dialog.querySelector("[data-shown]").replaceChildren(card);
    this.#dialog.className = `answer answer--${name}`;
    this.#shown_ms = performance.now();
    if (!this.#dialog.open) this.#dialog.showModal();
    (this.#dialog.querySelector("[autofocus]") ?? this.#dialog).focus();
  }

  /** Resolves to the next choice: a button's, or what `choose` was called with. */
  choice() {
    return new Promise((done) => (this.#choose = done));
  }

  choose(what) {
    this.#choose(what);
  }

  close() {
    this.#dialog.close();
  }

  #click(event) {
    if (performance.now() - this.#shown_ms < DEAF_MS) return;
    const button = event.target.closest("[data-choice]");
    if (button) this.#choose(button.dataset.choice);
    else if (!event.target.closest("a, button, input, label")) this.#otherwise();
  }

  #submit(event) {
    event.preventDefault();
    this.#choose(Object.fromEntries(new FormData(event.target)));
  }

  // What a tap beside the buttons, Enter and Escape mean; some cards want a decision.
  #otherwise() {
    const means = this.#dialog.querySelector("[data-otherwise]")?.dataset.otherwise;
    if (means && performance.now() - this.#shown_ms >= DEAF_MS) this.#choose(means);
  }
}
