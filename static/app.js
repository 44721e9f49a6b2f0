// What every page shares: copying ids, asking before a deed, telling outcomes, moving by keys.
// Everything works without it.
(function () {
  "use strict";

  function copy(button) {
    if (!navigator.clipboard) return;
    navigator.clipboard.writeText(button.dataset.copy).then(function () {
      var label = button.getAttribute("aria-label");
      button.setAttribute("aria-label", "Copied");
      button.classList.add("copied");
      setTimeout(function () {
        button.setAttribute("aria-label", label);
        button.classList.remove("copied");
      }, 1200);
    });
  }

  // The form moves into a dialog at the end of the page, where a live update of its old place can't close it.
  function ask(details) {
    var form = details.querySelector("form");
    var dialog = document.createElement("dialog");
    dialog.setAttribute("aria-labelledby", details.id + "-t");
    dialog.append(form);
    document.body.append(dialog);
    dialog.addEventListener("close", function () {
      if (!details.querySelector("form")) details.append(form);
      dialog.remove();
    });
    dialog.showModal();
    // A field to fill, or the way back: the deed itself is never what Enter does by accident.
    (form.querySelector(".field :is(input, select, textarea)") || form.querySelector("[data-close]")).focus();
  }

  document.addEventListener("click", function (event) {
    var hit = function (selector) { return event.target.closest(selector); };
    if (hit("[data-copy]")) copy(hit("[data-copy]"));
    if (hit("[data-dismiss]")) hit("[data-dismiss]").parentElement.remove();
    if (hit("[data-close]") || event.target.tagName === "DIALOG") hit("dialog").close();
    if (hit(".confirm > summary")) {
      event.preventDefault();
      ask(hit(".confirm"));
    }
  });

  // Readers of the screen hear what changes after the page is there; eyes get time, and more while they look.
  var toast = document.getElementById("toast");
  if (toast) {
    var words = toast.querySelector("span");
    var said = words.textContent;
    words.textContent = "";
    setTimeout(function () { words.textContent = said; }, 50);
    var fade = function () {
      if (toast.matches(":hover, :focus-within")) return setTimeout(fade, 2000);
      toast.classList.add("off");
      setTimeout(function () { toast.remove(); }, 300);
    };
    setTimeout(fade, 8000);
  }

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
      if (event.key === "/" && document.querySelector(".find input")) {
        event.preventDefault();
        document.querySelector(".find input").focus();
      }
    });
  }
})();
