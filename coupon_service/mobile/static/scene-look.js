// Looking around: by dragging, by the arrow keys, and by turning the phone. Angles in radians.
const PITCH_MAX = 1.1;
const PER_PIXEL = 0.0042;
const PER_KEY = 0.12;
const RADIANS = Math.PI / 180;
const TAP_PX = 8;

export class Look {
  // `onTap(x, y)` gets places from -1 to 1; `onTurn()` says that the view changed.
  constructor(THREE, camera, canvas, { onTap, onTurn }) {
    Object.assign(this, { THREE, camera, onTurn, yaw: 0, pitch: 0.1, goal: null, phone: null, ahead: null });
    this.euler = new THREE.Euler(0, 0, 0, "YXZ");
    this.turned = new THREE.Quaternion();
    this.upright = new THREE.Quaternion(-Math.SQRT1_2, 0, 0, Math.SQRT1_2);
    let from = null;
    canvas.addEventListener("pointerdown", (event) => {
      from = { x: event.clientX, y: event.clientY, moved: 0 };
      this.goal = null;
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!from) return;
      const [dx, dy] = [event.clientX - from.x, event.clientY - from.y];
      from = { x: event.clientX, y: event.clientY, moved: from.moved + Math.hypot(dx, dy) };
      this.turn(dx * PER_PIXEL, dy * PER_PIXEL);
    });
    canvas.addEventListener("pointerup", (event) => {
      if (from && from.moved < TAP_PX) {
        const box = canvas.getBoundingClientRect();
        onTap(((event.clientX - box.left) / box.width) * 2 - 1, 1 - ((event.clientY - box.top) / box.height) * 2);
      }
      from = null;
    });
    canvas.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
      if (!step) return;
      event.preventDefault();
      this.goal = null;
      this.turn(step[0] * PER_KEY, step[1] * PER_KEY);
    });
    this.apply();
  }

  turn(yaw, pitch) {
    this.yaw += yaw;
    this.pitch = Math.max(-PITCH_MAX, Math.min(PITCH_MAX, this.pitch + pitch));
    this.onTurn();
  }

  // Turn to a point, at once or over the next moments.
  face(point, atOnce) {
    const from = this.camera.position;
    const [dx, dy, dz] = [point.x - from.x, point.y - from.y, point.z - from.z];
    const goal = { yaw: Math.atan2(-dx, -dz), pitch: Math.atan2(dy, Math.hypot(dx, dz)) };
    if (this.phone) {
      // The phone looks where it looks; the street turns so that the point is in front of it.
      this.yaw += wrapped(goal.yaw - this.bearing());
    } else if (atOnce) {
      Object.assign(this, goal);
    } else {
      this.goal = goal;
    }
    this.onTurn();
  }

  followPhone() {
    addEventListener("deviceorientation", (event) => {
      if (event.beta === null) return;
      const { THREE } = this;
      const screenTurn = (globalThis.screen.orientation?.angle ?? 0) * RADIANS;
      // Z-X'-Y'' of the W3C's device frame as a rotation of a camera that looks along -Z.
      this.euler.set(event.beta * RADIANS, (event.alpha ?? 0) * RADIANS, -event.gamma * RADIANS, "YXZ");
      this.phone ??= new THREE.Quaternion();
      this.phone.setFromEuler(this.euler).multiply(this.upright);
      this.phone.multiply(new THREE.Quaternion().setFromAxisAngle(new THREE.Vector3(0, 0, 1), -screenTurn));
      if (this.ahead === null) {
        // Wherever the phone points at first is the middle of the street.
        this.ahead = this.bearing(this.phone);
        this.yaw = 0;
      }
      this.onTurn();
    });
  }

  // Which way a rotation looks, around the vertical.
  bearing(rotation = this.camera.quaternion) {
    const ahead = new this.THREE.Vector3(0, 0, -1).applyQuaternion(rotation);
    return Math.atan2(-ahead.x, -ahead.z);
  }

  // Whether there is still some way to go.
  step(elapsedS) {
    if (!this.goal) return false;
    const share = 1 - Math.exp(-7 * elapsedS);
    const [yaw, pitch] = [wrapped(this.goal.yaw - this.yaw), this.goal.pitch - this.pitch];
    this.yaw += yaw * share;
    this.pitch += pitch * share;
    if (Math.hypot(yaw, pitch) < 0.003) this.goal = null;
    return true;
  }

  apply() {
    const { camera } = this;
    if (this.phone) {
      this.turned.setFromAxisAngle(new this.THREE.Vector3(0, 1, 0), this.yaw - this.ahead);
      camera.quaternion.copy(this.turned).multiply(this.phone);
    } else {
      camera.quaternion.setFromEuler(this.euler.set(this.pitch, this.yaw, 0, "YXZ"));
    }
  }
}

const wrapped = (angle) => Math.atan2(Math.sin(angle), Math.cos(angle));
