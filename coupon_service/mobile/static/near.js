// "How far from me" asks where the phone is only when it is tapped, and rounds the place to about
// a hundred metres before it leaves the phone.
for (const form of document.querySelectorAll("form[data-near]")) {
  const button = form.querySelector("button[data-denied]");
  if (!button || !navigator.geolocation) continue;
  form.hidden = false;
  const label = button.innerHTML;
  form.addEventListener("submit", (event) => {
    if (form.elements.lat.value) return;
    event.preventDefault();
    button.disabled = true;
    button.textContent = button.dataset.busy;
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        form.elements.lat.value = coords.latitude.toFixed(3);
        form.elements.lon.value = coords.longitude.toFixed(3);
        form.submit();
      },
      () => {
        button.disabled = false;
        button.innerHTML = label;
        tell(form, button.dataset.denied);
      },
      { maximumAge: 600_000, timeout: 10_000 },
    );
  });
}

function tell(form, sentence) {
  const place = form.querySelector("output") ?? form.appendChild(document.createElement("output"));
  place.setAttribute("role", "alert");
  place.className = "small soft";
  place.textContent = sentence;
}
