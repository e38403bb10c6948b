// The camera: which one, its light, and that it never runs unseen.

const CHOSEN = "till.camera";
const PICTURE = { width: { ideal: 1280 }, height: { ideal: 720 } };

export class Camera {
  #video;
  #stream = null;
  #turn = 0; // starting takes time, and may be overtaken

  constructor(video) {
    this.#video = video;
  }

  get isLive() {
    return this.#stream !== null;
  }

  get hasTorch() {
    return Boolean(this.#track?.getCapabilities?.().torch);
  }

  get #track() {
    return this.#stream?.getVideoTracks()[0];
  }

  /** Show the chosen camera, or the one at the back. Throws what `getUserMedia` throws. */
  async start() {
    this.stop();
    const turn = this.#turn;
    const stream = await this.#open(localStorage.getItem(CHOSEN));
    if (turn !== this.#turn) return stream.getTracks().forEach((track) => track.stop());
    this.#stream = stream;
    this.#video.srcObject = stream;
    const focus = this.#track.getCapabilities?.().focusMode;
    if (focus?.includes("continuous"))
      this.#track.applyConstraints({ advanced: [{ focusMode: "continuous" }] }).catch(() => {});
    await this.#video.play();
  }

  async #open(deviceId) {
    const any = { facingMode: "environment", ...PICTURE };
    const media = navigator.mediaDevices;
    if (!deviceId) return media.getUserMedia({ video: any });
    const chosen = { deviceId: { exact: deviceId }, ...PICTURE };
    return media.getUserMedia({ video: chosen }).catch((error) => {
      if (error.name === "NotAllowedError") throw error;
      localStorage.removeItem(CHOSEN); // it was unplugged
      return media.getUserMedia({ video: any });
    });
  }

  stop() {
    this.#turn++;
    this.#stream?.getTracks().forEach((track) => track.stop());
    this.#stream = null;
    this.#video.srcObject = null;
  }

  /** Lights the torch, or puts it out; whether it is lit. */
  async torch(isLit) {
    await this.#track?.applyConstraints({ advanced: [{ torch: isLit }] });
    return isLit;
  }

  async count() {
    return (await this.#devices()).length;
  }

  /** Takes the next camera of this device, and remembers it. */
  async next() {
    const devices = await this.#devices();
    const now = devices.findIndex((one) => one.deviceId === this.#track?.getSettings().deviceId);
    const chosen = devices[(now + 1) % devices.length];
    if (chosen) localStorage.setItem(CHOSEN, chosen.deviceId);
    await this.start();
  }

  /** Resolves when there is a picture that was not there before, to whether the camera is still on. */
  async frame() {
    const stream = this.#stream;
    await Promise.race([this.#painted(), new Promise((done) => setTimeout(done, 500))]);
    return stream !== null && stream === this.#stream;
  }

  #painted() {
    const video = this.#video;
    return new Promise((done) =>
      video.requestVideoFrameCallback ? video.requestVideoFrameCallback(done) : setTimeout(done, 50),
    );
  }

  async #devices() {
    const all = await navigator.mediaDevices.enumerateDevices();
    return all.filter((one) => one.kind === "videoinput");
  }
}
