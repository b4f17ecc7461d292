/* What pages gain from script: the system's colors, copying, menus that close, notices when the server is silent.
   Every page works without it. Loaded before the first paint, so that colors never flash. */
(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("has-script");

  // Colors: an explicit choice comes from the server; "auto" follows the system, also when it changes.
  if (root.dataset.theme !== "light" && root.dataset.theme !== "dark") {
    const system = window.matchMedia("(prefers-color-scheme: dark)");
    const follow = () => root.setAttribute("data-bs-theme", system.matches ? "dark" : "light");
    system.addEventListener("change", follow);
    follow();
  }

  const say = (node) => {
    const notices = document.getElementById("notices");
    if (notices) notices.replaceChildren(node);
  };

  const copy = async (button) => {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
    } catch {
      return; // no permission: the full text stays in the title
    }
    button.classList.add("is-copied");
    const live = document.getElementById("spoken");
    if (live) live.textContent = "Copied";
    setTimeout(() => {
      button.classList.remove("is-copied");
      if (live) live.textContent = "";
    }, 1500);
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (button) copy(button);
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });

  // A summary of errors takes the focus, on arrival and after a swap, so that it is read first.
  const focusSummary = (scope) => scope.querySelector?.("[data-focus]")?.focus();
  document.addEventListener("DOMContentLoaded", () => focusSummary(document));
  document.addEventListener("htmx:afterSettle", (event) => focusSummary(event.target));

  // A server that fails or is away must not look like a button that does nothing.
  const failed = () => {
    const told = document.getElementById("failure");
    if (told) say(told.content.cloneNode(true));
  };
  document.addEventListener("htmx:sendError", failed);
  document.addEventListener("htmx:timeout", failed);
  document.addEventListener("htmx:responseError", (event) => {
    if (event.detail.xhr.status >= 500) failed();
  });
})();
