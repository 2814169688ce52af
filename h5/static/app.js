// Small helps for forms. Every page works without them.
(function () {
  "use strict";

  // A page that did not take a form opens at what is wrong with it. Older
  // browsers let only fields have the focus from the start.
  var wrong = document.querySelector("[autofocus]");
  if (wrong && document.activeElement === document.body) { wrong.focus(); }

  // A form that acts goes out once, however often the button is pressed.
  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (form.method === "get") { return; }
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "1";
    var button = form.querySelector("button");
    if (button) { button.setAttribute("aria-busy", "true"); }
  });
  window.addEventListener("pageshow", function () {
    document.querySelectorAll("form[data-sent]").forEach(function (form) {
      delete form.dataset.sent;
      var button = form.querySelector("button");
      if (button) { button.removeAttribute("aria-busy"); }
    });
  });

  // A button that may be pressed again in so many seconds counts them down.
  document.querySelectorAll("button[data-wait]").forEach(function (button) {
    var end = Date.now() + Number(button.dataset.wait) * 1000;
    var count = button.querySelector(".count");
    button.disabled = true;
    (function tick() {
      var left = Math.ceil((end - Date.now()) / 1000);
      if (left <= 0) {
        button.disabled = false;
        if (count) { count.textContent = ""; }
        return;
      }
      if (count) { count.textContent = left > 120 ? Math.ceil(left / 60) + " min" : left + " s"; }
      setTimeout(tick, 500);
    })();
  });

  // What a finger or a mouse chose is shown at once. Keys pass one choice on the
  // way to the next (https://www.w3.org/WAI/WCAG22/Understanding/on-input): then
  // the button beside shows it, and the keyboard goes on where it was.
  var keyed = false, controls = [], place = "xiaoka-place";
  document.addEventListener("keydown", function () { keyed = true; }, true);
  document.addEventListener("pointerdown", function () { keyed = false; }, true);
  document.querySelectorAll("form[data-go]").forEach(function (form) {
    function offer() { if (keyed) { form.classList.remove("goes"); } }
    form.classList.add("goes");
    form.addEventListener("focusin", offer);
    form.addEventListener("keydown", offer);
    form.addEventListener("change", function () { if (!keyed) { form.submit(); } });
    form.addEventListener("submit", function () {
      try { sessionStorage.setItem(place, location.pathname + " " + controls.indexOf(document.activeElement)); } catch (refused) { /* from the top */ }
    });
    controls.push.apply(controls, form.querySelectorAll("select, button"));
  });
  try {
    var left = (sessionStorage.getItem(place) || "").split(" "), control = controls[left[1]];
    sessionStorage.removeItem(place);
    if (control && left[0] === location.pathname) {
      control.form.classList.remove("goes");
      control.focus();
    }
  } catch (refused) { /* no storage */ }

  // A page is printed by a button.
  document.querySelectorAll("[data-print]").forEach(function (button) {
    button.hidden = false;
    button.addEventListener("click", function () { window.print(); });
  });

  // An own amount and a tile exclude each other.
  var own = document.querySelector("input[name=amount_yuan]");
  if (own) {
    var tiles = document.querySelectorAll("input[name=amount_fen]");
    own.addEventListener("input", function () {
      if (own.value) { tiles.forEach(function (tile) { tile.checked = false; }); }
    });
    tiles.forEach(function (tile) {
      tile.addEventListener("change", function () { own.value = ""; });
    });
  }
})();
