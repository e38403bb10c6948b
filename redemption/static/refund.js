// Another amount has another answer: until that is worked out, the old one cannot be confirmed.
const form = document.querySelector("[data-goods]");
const plan = document.querySelector("[data-plan]");
const worked = form?.elements.goods.value;
form?.addEventListener("input", () => {
  if (plan) plan.hidden = form.elements.goods.value.trim() !== worked;
});
