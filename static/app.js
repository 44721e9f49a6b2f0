// What every page shares: copying ids, asking before a deed, telling outcomes, moving by keys, the bell.
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

  // "#L120" of a log whose shown part does not hold that line: ask for the part that does, once.
  var line = /^#L(\d+)$/.exec(location.hash), log = document.querySelector("[data-log]");
  if (line && log && !document.getElementById("L" + line[1]) && !/[?&]line=/.test(location.search)) {
    location.replace(log.dataset.log + "&line=" + Math.max(1, line[1] - 20) + location.hash);
  }

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
  var places = {
    h: "/", r: "/runs", d: "/datasets", m: "/models", e: "/endpoints", l: "/launch", a: "/approvals", n: "/notices",
  };
  var waiting = 0;

  function typing(element) {
    return element.isContentEditable || /^(INPUT|SELECT|TEXTAREA)$/.test(element.tagName);
  }

  // Only where the page itself links to: a viewer has no launch form.
  function go(place) {
    if (document.querySelector('.side a[href="' + place + '"]')) location.assign(place);
  }

  function move(step) {
    var rows = Array.from(document.querySelectorAll("main tbody tr, main .inbox > li"));
    var links = rows.map(function (row) { return row.querySelector("a[href]"); }).filter(function (link) {
      return link && link.checkVisibility();
    });
    if (!links.length) return;
    var row = document.activeElement.closest("tr, li");
    var at = links.findIndex(function (link) { return row && row.contains(link); });
    links[Math.max(0, Math.min(links.length - 1, at + step))].focus();
  }

  function showKeys() {
    if (document.querySelector("dialog[open]")) return;
    fetch("/help/shortcuts", { headers: { "HX-Request": "true" } }).then(function (answer) {
      if (!answer.ok) throw new Error("no keys");
      return answer.text();
    }).then(function (html) {
      var dialog = document.createElement("dialog");
      dialog.setAttribute("aria-labelledby", "keys-title");
      dialog.innerHTML = '<div class="ask"><h2 id="keys-title">Keys</h2>' + html +
        '<div class="actions"><button class="btn" type="button" data-close>Close</button></div></div>';
      dialog.addEventListener("close", function () { dialog.remove(); });
      document.body.append(dialog);
      dialog.showModal();
    }).catch(function () { location.assign("/help/shortcuts"); });
  }

  function search() {
    var field = document.querySelector(".find input");
    if (field) field.focus();
  }

  if (!/(^|; )keys=off/.test(document.cookie)) {
    var keys = { j: move.bind(null, 1), k: move.bind(null, -1), "?": showKeys, "/": search };
    document.addEventListener("keydown", function (event) {
      if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
      if (document.querySelector("dialog[open]")) return;
      var place = Date.now() - waiting < 1500 && places[event.key];
      waiting = event.key === "g" ? Date.now() : 0;
      if (place) go(place);
      else if (keys[event.key]) {
        event.preventDefault();
        keys[event.key]();
      }
    });
  }
})();

// While a page is open its bell follows, and the browser tells what is new where a person switched that on.
(function () {
  "use strict";

  var bell = document.querySelector(".bell");
  var form = document.getElementById("notify");

  // The browser asks for permission only while a person acts.
  if (form && window.Notification && form.notify.value === "on") {
    form.addEventListener("submit", function (event) {
      event.preventDefault();
      Notification.requestPermission().then(function (answer) {
        if (answer === "granted") form.submit();
        else form.nextElementSibling.textContent = "The browser refused. Allow notifications for this site in its settings.";
      });
    });
  }

  function show(unread) {
    var mark = bell.querySelector(".n");
    if (!mark && unread) {
      mark = document.createElement("span");
      mark.className = "n";
      mark.setAttribute("aria-hidden", "true");
      bell.append(mark);
    }
    if (mark && !unread) mark.remove();
    else if (mark) mark.textContent = unread < 100 ? unread : "99+";
    bell.setAttribute("aria-label", unread ? "Notices, " + unread + " unread" : "Notices");
  }

  // Of several open tabs one tells: the first to write down what was told. What is there at first is not news.
  function tell(newest) {
    var told = localStorage.getItem("notice");
    localStorage.setItem("notice", newest ? newest.id : told || "");
    if (told === null || !newest || newest.id <= told || !/(^|; )notify=on/.test(document.cookie)) return;
    if (!window.Notification || Notification.permission !== "granted") return;
    new Notification(newest.title, { body: newest.text, tag: newest.id }).onclick = function () {
      window.focus();
      location.assign(newest.url);
    };
  }

  function ask() {
    if (document.hidden) return;
    fetch("/notices/unread").then(function (answer) {
      if (!answer.ok || answer.redirected) return;
      answer.json().then(function (found) {
        show(found.unread);
        tell(found.newest);
      });
    }).catch(function () { /* the server is away; the next time is soon */ });
  }

  if (bell) {
    setInterval(ask, 30000);
    document.addEventListener("visibilitychange", ask);
  }
})();
