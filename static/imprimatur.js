/* What pages gain from script: copying, menus that close, focus on errors, a notice when the server is silent.
   Every page works without it, colors included: those are the style sheet's and the server's. */
(() => {
  "use strict";
  document.documentElement.classList.add("has-script");

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

  // Tabs scroll sideways where the window is small; the one that is open comes into view.
  const openTab = () => {
    for (const tab of document.querySelectorAll(".tabs [aria-current]")) {
      const tabs = tab.closest(".tabs");
      tabs.scrollLeft = tab.offsetLeft - tabs.offsetLeft - (tabs.clientWidth - tab.offsetWidth) / 2;
    }
  };
  document.addEventListener("DOMContentLoaded", openTab);
  window.addEventListener("resize", openTab);

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

  // Rows that become cards on a narrow screen lose their table roles in some browsers; say them outright.
  const nameRoles = (scope) => {
    const roles = { TABLE: "table", THEAD: "rowgroup", TBODY: "rowgroup", TR: "row", TD: "cell" };
    for (const table of scope.querySelectorAll?.("table.table-stack:not([role])") ?? []) {
      for (const part of [table, ...table.querySelectorAll("thead, tbody, tr, td, th")]) {
        const heading = part.scope === "row" ? "rowheader" : "columnheader";
        part.setAttribute("role", part.tagName === "TH" ? heading : roles[part.tagName]);
      }
    }
  };

  // A summary of errors takes the focus, on arrival and after a swap, so that it is read first.
  const focusSummary = (scope) => scope.querySelector?.("[data-focus]")?.focus();
  const arrived = (scope) => {
    nameRoles(scope);
    focusSummary(scope);
  };
  document.addEventListener("DOMContentLoaded", () => arrived(document));

  // What is swapped takes the focus along; it goes back to what stands in its place, unless an error took it.
  const called = (node) => node.id || node.getAttribute("aria-label") || node.textContent.trim();
  let left = null;
  const remember = ({ detail }) => {
    const at = document.activeElement;
    if (at !== document.body && detail.target?.contains(at)) left = { tag: at.tagName, name: called(at) };
  };
  document.addEventListener("htmx:beforeSwap", remember);
  document.addEventListener("htmx:oobBeforeSwap", remember);
  const giveBack = () => {
    if (left && document.activeElement === document.body) {
      const same = [...document.getElementsByTagName(left.tag)].find((node) => called(node) === left.name);
      same?.focus({ preventScroll: true });
    }
    left = null;
  };

  // What goes on by itself is told to whoever does not see it: each stage, and each tenth of the way.
  // A release speaks for itself (#live).
  let told = "";
  const tell = () => {
    const now = [...document.querySelectorAll("[data-say]:not(#live *)")].map((node) => node.dataset.say).join(". ");
    const live = document.getElementById("spoken");
    if (live && now && now !== told) live.textContent = now;
    told = now;
  };
  document.addEventListener("htmx:afterSettle", (event) => {
    arrived(event.target.parentNode ?? document);
    giveBack();
    tell();
  });

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
