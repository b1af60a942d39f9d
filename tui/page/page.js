"use strict";
// textual.js connects when the page has loaded; what it needs to know is set before.

const terminal = document.querySelector(".textual-terminal");
const reason = document.querySelector("#reason");
const restart = document.querySelector("#restart");

// Where this page came from, whatever that is called here: a tunnel has a port of its own.
const scheme = location.protocol === "https:" ? "wss:" : "ws:";
terminal.dataset.sessionWebsocketUrl = `${scheme}//${location.host}/ws`;

// textual.js says only that a session is over. The server's reason comes with the closing.
window.WebSocket = class extends WebSocket {
  constructor(...args) {
    super(...args);
    this.addEventListener("close", (event) => {
      reason.textContent =
        event.reason || "The connection is lost. Is miro-edge still running where you started it?";
      requestAnimationFrame(() => restart.focus()); // it is shown only then
    });
    // Keys go to the interface without a click into it. Once it has drawn more than a switch or
    // two: as it starts it takes the page to be out of focus, whatever it was told before.
    const focus = (event) => {
      if (event.data.byteLength > 100) {
        this.removeEventListener("message", focus);
        terminal.querySelector("textarea").focus();
      }
    };
    this.addEventListener("message", focus);
  }
};

// A click on an address in a document must not send a packet there: only downloads are opened.
const openOurs = window.open.bind(window);
window.open = (address, ...args) =>
  address && new URL(address, location.href).origin === location.origin
    ? openOurs(address, ...args)
    : null;

restart.addEventListener("click", () => location.reload());
