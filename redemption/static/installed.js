// The till as an application: it opens without a network, and says so when there is none.
if (window.isSecureContext && navigator.serviceWorker)
  navigator.serviceWorker.register("/till/service-worker.js", { scope: "/till/" }).catch(() => {});

const banner = document.querySelector("[data-no-network]");
if (banner) {
  const say = () => (banner.hidden = navigator.onLine);
  addEventListener("online", say);
  addEventListener("offline", say);
  say();
}
