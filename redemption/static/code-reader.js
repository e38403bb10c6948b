// Reads a QR code from a picture: by the browser itself where it can, else by zxing in WebAssembly,
// which is fetched from this server only when it is needed.

// More pixels cost time and find nothing more in a code held up to a camera.
const SIDE_MAX = 960;

export function codeReader(libraryUrl, wasmUrl) {
  let reader = null;
  return async (picture) => {
    reader ??= native().then((found) => found ?? zxing(libraryUrl, wasmUrl));
    return (await reader)(picture);
  };
}

async function native() {
  if (!("BarcodeDetector" in globalThis)) return null;
  const formats = await BarcodeDetector.getSupportedFormats().catch(() => []);
  if (!formats.includes("qr_code")) return null;
  const detector = new BarcodeDetector({ formats: ["qr_code"] });
  return async (picture) => (await detector.detect(picture).catch(() => []))[0]?.rawValue ?? null;
}

async function zxing(libraryUrl, wasmUrl) {
  const { prepareZXingModule, readBarcodes } = await import(libraryUrl);
  prepareZXingModule({ overrides: { locateFile: () => wasmUrl } });
  const canvas = document.createElement("canvas");
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  return async (picture) => {
    const width = picture.videoWidth ?? picture.width;
    const height = picture.videoHeight ?? picture.height;
    const scale = Math.min(1, SIDE_MAX / Math.max(width, height));
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
    const pixels = pen.getImageData(0, 0, canvas.width, canvas.height);
    const found = await readBarcodes(pixels, { formats: ["QRCode"], maxNumberOfSymbols: 1 });
    return found.find((one) => one.isValid)?.text ?? null;
  };
}
