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
