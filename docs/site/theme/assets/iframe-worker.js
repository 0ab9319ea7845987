/* Browsers start no worker from a page on a disk. There the search runs in a hidden frame instead. */
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(address) {
      super();
      this.frame = document.createElement("iframe");
      this.frame.hidden = true;
      this.frame.title = "search";
      document.body.append(this.frame);
      const inner = (this.inner = this.frame.contentWindow);
      window.addEventListener("message", ({ source, data }) => {
        if (source !== inner) return;
        this.dispatchEvent(new MessageEvent("message", { data }));
        this.onmessage?.(new MessageEvent("message", { data }));
      });
      inner.document.open();
      inner.document.write(
        `<script>postMessage = data => parent.postMessage(data, "*")</script><script src="${address}"></script>`,
      );
      inner.document.close();
      this.ready = new Promise((resolve) => (inner.onload = resolve));
    }
    postMessage(data) {
      this.ready.then(() => this.inner.dispatchEvent(new MessageEvent("message", { data: structuredClone(data) })));
    }
    terminate() {
      this.frame.remove();
    }
  };
}
