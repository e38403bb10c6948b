// A shared link carries the code behind `#`, which never leaves the phone by itself.
const code = location.hash.slice(1);
if (/^\d{10}$/.test(code)) {
  document.querySelector("[name=code]").value = code;
  history.replaceState(null, "", location.pathname);
}
