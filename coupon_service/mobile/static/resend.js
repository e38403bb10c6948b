// "Send again" sleeps until a message had time to arrive.
const button = document.querySelector("[data-wait-s]");
if (button) {
  const label = button.textContent;
  let left = Number(button.dataset.waitS);
  const tick = () => {
    button.disabled = left > 0;
    button.textContent = left > 0 ? button.dataset.wait.replace("{n}", left) : label;
    if (left-- > 0) setTimeout(tick, 1000);
  };
  tick();
}
