// Pays an order: through WeixinJSBridge where there is one, else by a QR code,
// and follows its money to the card or back. What the bridge reports is only a
// hint; the page shows what the server says.
(function () {
  "use strict";

  var order = document.getElementById("order");
  var stage = order.dataset.stage;
  if (["claimed", "closed", "refunded"].indexOf(stage) >= 0) { return; } // as far as it goes

  var path = order.dataset.path;
  var bridgeWait = 1500;                   // ms until a client counts as having no bridge
  var unpaid = stage === "waiting" || stage === "ending";
  var pollEvery = 2000, pollFor = 20 * 60 * 1000;
  var started = Date.now();
  var reported = stage === "ending";       // the payer says they have paid: have WeChat Pay asked
  var polls = 0, timer = 0;

  function show(id, visible) {
    var element = document.getElementById(id);
    if (element) { element.hidden = !visible; }
  }

  // --- the state, as the server knows it

  // Whoever pays waits for it; who goes to collect is asked about ever less.
  function pause() { return unpaid ? pollEvery : 2 * pollEvery + (Date.now() - started) / 10; }

  function poll() {
    clearTimeout(timer);
    if (document.hidden) { return; } // visibilitychange goes on
    if (Date.now() - started > pollFor) { show("again", true); return; }
    polls += 1;
    var ask = unpaid && (reported || polls % 8 === 0) ? "?ask=1" : "";
    fetch(path + "/status" + ask, { cache: "no-store" }).then(function (answer) {
      if (answer.status === 401) { location.reload(); return; }
      if (!answer.ok) { throw new Error(String(answer.status)); }
      return answer.json().then(function (body) {
        show("offline", false);
        if (body.stage !== stage) { location.reload(); return; }
        timer = setTimeout(poll, pause());
      });
    }).catch(function () {
      show("offline", true);
      timer = setTimeout(poll, 3 * pause());
    });
  }
  document.addEventListener("visibilitychange", function () {
    if (document.hidden) { return; }
    started = Date.now();
    poll();
  });
  timer = setTimeout(poll, pause());
  if (stage !== "waiting") { return; }

  // --- the ways to pay

  function trouble(words) {
    show("opening", false);
    show("cancelled", false);
    if (words) { document.getElementById("trouble-words").textContent = words; }
    show("trouble", true);
    show("pay", true);
  }

  function scan() {
    show("opening", false);
    show("cancelled", false);
    show("trouble", false);
    show("pay", false);
    show("use-qr", false);
    var picture = document.getElementById("qr");
    picture.onload = function () { show("scan", true); };
    picture.onerror = function () { show("scan", false); trouble(); };
    picture.src = path + "/qr.png";
  }

  function withBridge(found, none) {
    if (window.WeixinJSBridge) { found(); return; }
    var decided = false;
    function decide() {
      if (decided) { return; }
      decided = true;
      if (window.WeixinJSBridge) { found(); } else { none(); }
    }
    document.addEventListener("WeixinJSBridgeReady", decide);
    setTimeout(decide, bridgeWait);
  }

  function callUp() {
    show("cancelled", false);
    show("trouble", false);
    show("pay", false);
    show("opening", true);
    fetch(path + "/pay?channel=jsapi", { cache: "no-store" }).then(function (answer) {
      return answer.json().then(function (body) {
        if (answer.ok) { invoke(body); return; }
        switch (body.code) {
        case "no_openid": case "wecom_unreachable": scan(); break;
        case "already_paid": case "order_closed": reported = true; poll(); break;
        default: trouble(body.title);
        }
      });
    }).catch(function () { trouble(); });
  }

  function invoke(parameters) {
    window.WeixinJSBridge.invoke("getBrandWCPayRequest", parameters, function (result) {
      show("opening", false);
      show("use-qr", true);
      if (result && /:ok$/.test(result.err_msg)) {
        reported = true;
        show("confirming", true);
        show("use-qr", false);
        poll();
        return;
      }
      if (!result || !/:cancel$/.test(result.err_msg)) { reported = true; trouble(); return; }
      show("cancelled", true);
      show("pay", true);
    });
  }

  document.getElementById("pay").addEventListener("click", function () { withBridge(callUp, scan); });
  document.getElementById("use-qr").addEventListener("click", scan);
  document.getElementById("again").addEventListener("click", function () { location.reload(); });

  // The first time the page opens it pays by itself; somebody who comes back
  // to it presses the button.
  var key = "xiaoka-order-" + order.dataset.no, before = null;
  try {
    before = sessionStorage.getItem(key);
    sessionStorage.setItem(key, "1");
  } catch (refused) { /* no storage: pay by itself */ }
  show("opening", true);
  withBridge(function () {
    if (before) { show("opening", false); show("pay", true); show("use-qr", true); } else { callUp(); }
  }, scan);
})();
