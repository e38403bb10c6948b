// A form with data-once is sent once: a second tap finds its buttons asleep until the page is left.
addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-once]");
  if (!form) return;
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = "1";
  const button = event.submitter;
  if (!button) return;
  if (button.dataset.busy) button.textContent = button.dataset.busy;
  // After the browser has read the pressed button's name and value.
  setTimeout(() => (button.disabled = true));
});
// A page that comes back from the browser's memory can send again.
addEventListener("pageshow", (event) => event.persisted && location.reload());
