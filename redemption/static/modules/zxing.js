// zxing in WebAssembly, in a worker or in the page.

/** A function of pixels that answers with the texts of the QR codes in them. */
export async function zxingReader({ library, wasm }) {
  const { prepareZXingModule, readBarcodes } = await import(library);
  await prepareZXingModule({ overrides: { locateFile: () => wasm }, fireImmediately: true });
  return async (pixels, harder) => {
    const found = await readBarcodes(pixels, {
      formats: ["QRCode"],
      maxNumberOfSymbols: 4, // a payment code may stand on the same counter
      tryHarder: harder,
      tryRotate: harder,
      tryInvert: harder,
      tryDownscale: harder,
    });
    return found.filter((one) => one.isValid).map((one) => one.text);
  };
}
