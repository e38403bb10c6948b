// Claims without leaving the page. A second tap while one is on its way does nothing; an answer
// that got lost is asked for again, which is safe: a repeat returns the same voucher.
const PASSING = new Set(["not-open-yet", "release-paused"]);
for (const form of document.querySelectorAll("form[data-claim]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!form.dataset.sent) claim(form);
  });
}
addEventListener("pageshow", (event) => event.persisted && location.reload());

async function claim(form) {
  const button = form.querySelector("button");
  const label = button.innerHTML;
  form.dataset.sent = "1";
  button.disabled = true;
  button.textContent = button.dataset.busy;
  const answer = await ask(form);
  if (!answer) return form.submit(); // no answer at all: the plain way shows what the browser makes of it
  const body = await answer.json().catch(() => ({}));
  if (answer.ok) return location.assign(`/vouchers/${body.voucher_id}?claimed=1`);
  if (answer.status === 401 || body.slug === "real-name-needed") return form.submit();
  tell(form, body.detail);
  const pause = Number(answer.headers.get("Retry-After")) || 0;
  if (answer.status === 409 && !PASSING.has(body.slug)) return button.remove();
  setTimeout(() => {
    delete form.dataset.sent;
    button.disabled = false;
    button.innerHTML = label;
  }, Math.max(pause, 1) * 1000);
}

async function ask(form, tries = 3) {
  const body = { release_id: form.dataset.claim, ordinal: Number(form.elements.ordinal.value) };
  const wish = {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  };
  for (let left = tries; left > 0; left--) {
    try {
      return await fetch("/api/v1/claims", { ...wish, signal: AbortSignal.timeout(8000) });
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 500 + Math.random() * 1000));
    }
  }
  return null;
}

function tell(form, sentence) {
  const place = form.querySelector("output") ?? form.appendChild(document.createElement("output"));
  place.setAttribute("role", "alert");
  place.className = "small refusal";
  place.textContent = sentence;
}
