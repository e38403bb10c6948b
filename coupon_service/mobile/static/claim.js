// Claims without leaving the page. A second tap while one is on its way does nothing; an answer
// that got lost is asked for again, which is safe: a repeat returns the same voucher.
const words = document.querySelector("#claim-words").dataset;
const PASSING = new Set(["not-open-yet", "release-paused"]);
const TRIES = 4;
const ANSWER_WITHIN_MS = 8000;
for (const form of document.querySelectorAll("form[data-claim]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!form.dataset.sent) claim(form);
  });
}
// A page that comes back from the browser's memory may show what is no longer so.
addEventListener("pageshow", (event) => event.persisted && location.reload());

async function claim(form) {
  const button = form.querySelector("button");
  const label = button.innerHTML;
  const again = () => {
    delete form.dataset.sent;
    button.disabled = false;
    button.innerHTML = label;
  };
  form.dataset.sent = "1";
  button.disabled = true;
  button.textContent = words.busy;
  const answer = await ask(form);
  if (!answer) {
    again();
    tell(form, words.unsure);
    return button.focus();
  }
  const body = await answer.json().catch(() => ({}));
  if (answer.ok) return location.assign(`/vouchers/${body.voucher_id}?claimed=1`);
  if (answer.status === 401 || body.slug === "real-name-needed") return form.submit();
  tell(form, body.detail ?? words.unsure);
  if (body.slug === "sold-out") queueInstead(form, button);
  else if (answer.status === 409 && !PASSING.has(body.slug)) button.remove();
  else setTimeout(again, Math.max(Number(answer.headers.get("Retry-After")) || 0, 1) * 1000);
}

// The answer, or null if none came: the network is gone, or the service is not ready in time.
async function ask(form) {
  const ordinal = Number(form.elements.ordinal?.value ?? 1);
  const address = `/api/v1/releases/${releaseOf(form)}/claims/${ordinal}`;
  for (let tried = 0; tried < TRIES; tried++) {
    if (tried) await sleep(tried * 500 + Math.random() * 500);
    const patience = new AbortController();
    const bell = setTimeout(() => patience.abort(), ANSWER_WITHIN_MS);
    try {
      const answer = await fetch(address, { method: "PUT", signal: patience.signal });
      if (answer.status < 500) return answer;
    } catch {
      // Lost on the way: whether the claim arrived is not known, so it is asked for again.
    } finally {
      clearTimeout(bell);
    }
  }
  return null;
}

// The form's own address names the release: /releases/<id>/claim
function releaseOf(form) {
  return form.getAttribute("action").split("/")[2];
}

function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function tell(form, sentence) {
  const place = form.querySelector("output") ?? form.appendChild(document.createElement("output"));
  place.setAttribute("role", "alert");
  place.className = "small refusal";
  place.textContent = sentence;
}

function queueInstead(form, button) {
  const way = document.createElement("a");
  way.className = button.className;
  way.classList.add("button--quiet");
  way.href = `/waiting/${releaseOf(form)}`;
  way.textContent = words.queue;
  button.replaceWith(way);
  way.focus();
}
