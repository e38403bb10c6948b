// Registers the worker that keeps the wallet, and says on every page when there is no network.
if (window.isSecureContext && navigator.serviceWorker)
  navigator.serviceWorker.register("/service-worker.js").catch(() => {});

// A voucher's page says so itself, where the eyes are.
if (!document.querySelector("[data-voucher]")) {
  const banner = document.createElement("p");
  banner.className = "notice notice--warn";
  banner.setAttribute("role", "status");
  banner.textContent = document.querySelector("link[rel=manifest]").dataset.noNetwork;
  const say = () =>
    navigator.onLine ? banner.remove() : document.querySelector("main").prepend(banner);
  addEventListener("online", say);
  addEventListener("offline", say);
  say();
}
