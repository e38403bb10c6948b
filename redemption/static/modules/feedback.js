// A yes and a no that are heard and felt without looking.

const MUTED = "till.muted";
// Hz, seconds from the beginning, seconds long.
const TONES = {
  yes: { wave: "sine", notes: [[880, 0, 0.09], [1318.5, 0.09, 0.16]] },
  no: { wave: "square", notes: [[196, 0, 0.14], [196, 0.2, 0.22]] },
};
const PATTERNS_MS = { yes: 60, no: [120, 70, 160], seen: 25 };
let audio = null;

export const isMuted = () => localStorage.getItem(MUTED) === "1";
export const mute = (muted) => localStorage.setItem(MUTED, muted ? "1" : "");

export function feel(what) {
  navigator.vibrate?.(PATTERNS_MS[what]);
  if (audio && TONES[what] && !isMuted()) sound(TONES[what]);
}

function sound({ wave, notes }) {
  for (const [pitch, after_s, length_s] of notes) {
    const begin = audio.currentTime + after_s;
    const tone = new OscillatorNode(audio, { type: wave, frequency: pitch });
    const volume = new GainNode(audio, { gain: wave === "square" ? 0.12 : 0.4 });
    volume.gain.setTargetAtTime(0, begin + length_s - 0.03, 0.012); // or it would click
    tone.connect(volume).connect(audio.destination);
    tone.start(begin);
    tone.stop(begin + length_s + 0.05);
  }
}

// Browsers let a page make sounds once somebody has touched it.
function wake() {
  audio ??= globalThis.AudioContext ? new AudioContext() : null;
  audio?.resume();
}
for (const touch of ["pointerdown", "keydown"]) addEventListener(touch, wake, { capture: true });
