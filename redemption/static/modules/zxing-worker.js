// Reads pictures beside the page, which stays smooth. First comes where zxing is, then pictures.
import { zxingReader } from "./zxing.js";

let reader = null;

addEventListener("message", async ({ data }) => {
  if (!reader) {
    reader = zxingReader(data);
    await reader;
    return postMessage("ready");
  }
  const read = await reader;
  const pixels = new ImageData(new Uint8ClampedArray(data.bytes), data.width, data.height);
  postMessage(await read(pixels, data.harder).catch(() => []));
});
