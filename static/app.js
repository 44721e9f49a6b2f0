// What every page shares: copying ids and moving by keys. Everything works without it.
(function () {
  "use strict";

  document.addEventListener("click", function (event) {
    var button = event.target.closest("[data-copy]");
    if (!button || !navigator.clipboard) return;
    navigator.clipboard.writeText(button.dataset.copy).then(function () {
      var label = button.getAttribute("aria-label");
      button.setAttribute("aria-label", "Copied");
      button.classList.add("copied");
      setTimeout(function () {
        button.setAttribute("aria-label", label);
        button.classList.remove("copied");
      }, 1200);
    });
  });

  // "g r" goes to the runs; single keys can be switched off under Settings (WCAG 2.1.4).
  var places = { h: "/", r: "/runs", d: "/datasets", m: "/models", e: "/endpoints", l: "/launch", a: "/approvals" };
  var waiting = 0;

  function typing(element) {
    return element.isContentEditable || /^(INPUT|SELECT|TEXTAREA)$/.test(element.tagName);
  }

  function move(step) {
    var links = Array.from(document.querySelectorAll("main tbody tr a:first-of-type, main tbody tr th a"));
    if (!links.length) return;
    var at = links.indexOf(document.activeElement);
    links[Math.max(0, Math.min(links.length - 1, at + step))].focus();
  }

  if (!/(^|; )keys=off/.test(document.cookie)) {
    document.addEventListener("keydown", function (event) {
      if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
      if (waiting && Date.now() - waiting < 1500 && places[event.key]) location.assign(places[event.key]);
      waiting = event.key === "g" ? Date.now() : 0;
      if (event.key === "j") move(1);
      if (event.key === "k") move(-1);
      if (event.key === "?") location.assign("/help#keys");
    });
  }
})();
