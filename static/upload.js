// The upload with its progress. Without this script the form sends itself and the browser shows what it can.
(function () {
  "use strict";

  function the(id) {
    return document.getElementById(id);
  }

  var form = the("upload");
  var input = the("f-file");
  var name = the("f-name");
  var limit = Number(form.dataset.limit);
  var suggested = "";
  var request = null;

  function size(bytes) {
    var units = ["B", "kB", "MB", "GB"];
    for (var at = 0; bytes >= 1000 && at < 3; at++) bytes /= 1000;
    return bytes.toFixed(at ? 1 : 0) + " " + units[at];
  }

  function left(seconds) {
    if (seconds < 60) return Math.max(1, Math.round(seconds)) + " s left";
    return Math.floor(seconds / 60) + " min " + Math.round(seconds % 60) + " s left";
  }

  function problem(message, advice) {
    the("problem").replaceChildren();
    if (!message) return;
    var box = document.createElement("p");
    box.className = "notice bad";
    box.append(document.createElement("i"), message + (advice ? " " + advice : ""));
    the("problem").append(box);
    box.scrollIntoView({ block: "nearest" });
  }

  // As app.datasets.forms.suggested_name.
  function nameOf(file) {
    var stem = file.replace(/(\.(csv|tsv|txt|jsonl|ndjson|json|parquet|pq))?(\.(gz|zst|zstd))?$/i, "");
    var plain = stem.replace(/[^\p{L}\p{N} ._-]/gu, "-").replace(/\s+/g, " ");
    return plain.replace(/^[ ._-]+/, "").slice(0, 100).replace(/[ .]+$/, "") || "reviews";
  }

  function chosen() {
    var file = input.files[0];
    problem();
    if (!file) return false;
    the("chosen").textContent = file.name + ", " + size(file.size);
    if (!name.value || name.value === suggested) name.value = suggested = nameOf(file.name);
    if (file.size > limit) {
      problem("The file has " + size(file.size) + ", at most " + size(limit) + " can be taken.", "Compress it with gzip or zstd, or send it in parts.");
      return false;
    }
    if (!file.size) {
      problem("The file is empty.", "Choose another one.");
      return false;
    }
    return true;
  }

  function show(sending) {
    form.hidden = sending;
    the("sending").hidden = !sending;
    (sending ? the("h-sending") : input).focus();
  }

  function ended(message, advice) {
    request = null;
    show(false);
    problem(message, advice);
  }

  function send() {
    var file = input.files[0];
    var began = Date.now();
    var sent = 0;
    var quarter = 0;
    request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "application/json");
    request.upload.addEventListener("progress", function (event) {
      var seconds = (Date.now() - began) / 1000;
      var rate = event.loaded / Math.max(seconds, 0.001);
      sent = event.loaded;
      the("bar").max = event.total;
      the("bar").value = event.loaded;
      var rest = seconds > 1 ? " · " + left((event.total - event.loaded) / rate) : "";
      the("sent").textContent = size(event.loaded) + " of " + size(event.total) + " · " + size(rate) + "/s" + rest;
      if (Math.floor((event.loaded / event.total) * 4) > quarter) {
        quarter = Math.floor((event.loaded / event.total) * 4);
        the("told").textContent = quarter * 25 + " % sent";
      }
    });
    request.upload.addEventListener("load", function () {
      the("bar").removeAttribute("value");
      the("sent").textContent = the("told").textContent = "All of it is sent. The server is looking at the file.";
    });
    request.addEventListener("load", function () {
      var answer = {};
      try {
        answer = JSON.parse(request.responseText);
      } catch (error) {
        answer.detail = "The server answered with something that is not readable.";
      }
      if (request.status === 201) location.assign(answer.url);
      else ended(answer.detail || "The upload was refused.", answer.advice || "");
    });
    request.addEventListener("error", function () {
      ended("The connection broke off after " + size(sent) + " of " + size(file.size) + ".", "The file is still chosen: send it again.");
    });
    request.addEventListener("abort", function () {
      ended("The upload was cancelled; nothing of it is kept.", "The file is still chosen.");
    });
    var data = new FormData(form);
    the("bar").value = 0;
    the("sent").textContent = file.name + ", " + size(file.size);
    show(true);
    request.send(data);
  }

  input.addEventListener("change", chosen);
  form.addEventListener("submit", function (event) {
    event.preventDefault();
    if (chosen()) send();
  });
  the("stop").addEventListener("click", function () {
    if (request) request.abort();
  });
  // Who leaves while it is being sent loses what was sent.
  addEventListener("beforeunload", function (event) {
    if (request && request.readyState < 4) event.preventDefault();
  });

  ["dragenter", "dragover", "dragleave", "drop"].forEach(function (kind) {
    the("drop").addEventListener(kind, function (event) {
      event.preventDefault();
      the("drop").classList.toggle("over", kind === "dragenter" || kind === "dragover");
      if (kind !== "drop" || !event.dataTransfer.files.length) return;
      if (event.dataTransfer.files.length > 1) return problem("Only one file can be sent at a time.", "Drop them one after the other.");
      input.files = event.dataTransfer.files;
      chosen();
    });
  });
  if (input.files.length) chosen(); // a browser that goes back keeps the choice
})();
