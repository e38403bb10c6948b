// Reads QR codes from a picture: by the browser itself where it really can, else by zxing, which is
// fetched from this server only when it is needed.

// More pixels cost time and find nothing more in a code held up to a camera.
const SIDE_MAX = 720;
const HARDER_SIDE_MAX = 1440;

/** `(picture, { harder }) => texts`. Harder takes longer, and looks at the whole picture. */
export async function openReader(where) {
  return (await native()) ?? zxing(where);
}

async function native() {
  if (!("BarcodeDetector" in globalThis)) return null;
  const formats = await BarcodeDetector.getSupportedFormats().catch(() => []);
  if (!formats.includes("qr_code")) return null;
  const detector = new BarcodeDetector({ formats: ["qr_code"] });
  return async (picture) => {
    const found = await detector.detect(picture).catch(() => []);
    return found.map((one) => one.rawValue);
  };
}

async function zxing(where) {
  const read = await inWorker(where).catch(() => inPage(where));
  const canvas = document.createElement("canvas");
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  return (picture, { harder }) => read(pixelsOf(picture, harder, canvas, pen), harder);
}

// A code is held up to the middle, so the square there is looked at first.
function pixelsOf(picture, whole, canvas, pen) {
  const width = picture.videoWidth ?? picture.width;
  const height = picture.videoHeight ?? picture.height;
  const side = Math.min(width, height);
  const [w, h] = whole ? [width, height] : [side, side];
  const scale = Math.min(1, (whole ? HARDER_SIDE_MAX : SIDE_MAX) / Math.max(w, h));
  canvas.width = Math.round(w * scale);
  canvas.height = Math.round(h * scale);
  pen.drawImage(picture, (width - w) / 2, (height - h) / 2, w, h, 0, 0, canvas.width, canvas.height);
  return pen.getImageData(0, 0, canvas.width, canvas.height);
}

function inWorker(where) {
  const worker = new Worker(new URL("./zxing-worker.js", import.meta.url), { type: "module" });
  const waiting = [];
  const read = ({ data, width, height }, harder) =>
    new Promise((done) => {
      waiting.push(done);
      worker.postMessage({ bytes: data.buffer, width, height, harder }, [data.buffer]);
    });
  return new Promise((ready, fail) => {
    worker.onerror = fail;
    worker.onmessage = ({ data }) => (data === "ready" ? ready(read) : waiting.shift()(data));
    worker.postMessage(where);
  });
}

// A browser whose workers know no modules.
const inPage = async (where) => (await import("./zxing.js")).zxingReader(where);
