// The street at dusk: houses, the gate, three lanterns, the shop's door. About thirty draw calls.
import { Look } from "./scene-look.js";
import { glowTexture, makeGate, makeLantern, makeShop, paint, roofMaterial, roofShape } from "./scene-shapes.js";

const EYES_M = 1.6;
// One straight ahead, two that have to be looked for. Where each hangs from.
const HANGS = { 1: [-3.1, 3.5, -4.0], 2: [-0.35, 3.35, -6.2], 3: [3.4, 3.3, -2.4] };
const CHARACTERS = { 1: "福", 2: "喜", 3: "春" };
const LIGHTS_UP_S = 0.9;
const GATE_SAYS = "大栅栏";
const SHOP_SAYS = "云上大栅栏";
const SHOP_AT = [3.5, 0, -6.2];

export class Street {
  // `picture`: the camera's picture is behind the canvas. `still`: nothing moves by itself.
  constructor(THREE, canvas, { picture, still, onLantern, onDoor }) {
    Object.assign(this, { THREE, canvas, still, onLantern, onDoor, lanterns: new Map(), rising: new Map(), stale: true, before: 0 });
    this.renderer = new THREE.WebGLRenderer({ canvas, antialias: true, alpha: picture, powerPreference: "low-power" });
    this.renderer.setPixelRatio(Math.min(devicePixelRatio, 2));
    this.scene = new THREE.Scene();
    this.camera = new THREE.PerspectiveCamera(60, 1, 0.1, 120);
    this.camera.position.y = EYES_M;
    const glow = glowTexture(THREE);
    this.scene.add(new THREE.HemisphereLight("#9aa6d8", "#5a3424", picture ? 2.4 : 1.35));
    const evening = new THREE.DirectionalLight("#ffb27a", picture ? 1.6 : 1.1);
    evening.position.set(-4, 6, 8);
    this.scene.add(evening);
    if (!picture) this.buildTown();
    const gate = makeGate(THREE, GATE_SAYS);
    gate.position.z = -14;
    const { shop, hit } = makeShop(THREE, SHOP_SAYS, glow);
    shop.position.set(...SHOP_AT);
    shop.rotation.y = Math.atan2(-SHOP_AT[0], -SHOP_AT[2]);
    this.door = hit;
    this.scene.add(gate, shop);
    for (const [number, place] of Object.entries(HANGS)) {
      const lantern = makeLantern(THREE, CHARACTERS[number], glow);
      lantern.group.position.set(...place);
      lantern.hit.userData.number = number;
      this.lanterns.set(number, lantern);
      this.scene.add(lantern.group);
    }
    this.scene.add(this.cords(), this.sparks(glow));
    this.look = new Look(THREE, this.camera, canvas, { onTap: (x, y) => this.tap(x, y), onTurn: () => (this.stale = true) });
    new ResizeObserver(() => this.fit()).observe(canvas);
    this.fit();
    this.renderer.setAnimationLoop((now) => this.frame(now / 1000));
  }

  followPhone() {
    this.look.followPhone();
  }

  lookAt(number) {
    const lantern = this.lanterns.get(number);
    this.look.face(lantern.hit.getWorldPosition(new this.THREE.Vector3()), this.still);
  }

  light(number) {
    if (this.still) this.lanterns.get(number).set(1);
    else this.rising.set(number, 0);
    this.stale = true;
  }

  tap(x, y) {
    const ray = new this.THREE.Raycaster();
    ray.setFromCamera(new this.THREE.Vector2(x, y), this.camera);
    const hits = [...this.lanterns.values()].map((lantern) => lantern.hit);
    const [first] = ray.intersectObjects([...hits, this.door], false);
    if (first?.object === this.door) this.onDoor();
    else if (first) this.onLantern(first.object.userData.number);
  }

  fit() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width || !height) return;
    this.renderer.setSize(width, height, false);
    this.camera.aspect = width / height;
    // A narrow picture needs more height to show as much.
    this.camera.fov = width < height ? 68 : 52;
    this.camera.updateProjectionMatrix();
    this.stale = true;
  }

  frame(now) {
    const elapsed = Math.min(0.1, now - this.before);
    this.before = now;
    const moves = this.look.step(elapsed);
    for (const [number, share] of this.rising) {
      const next = Math.min(1, share + elapsed / LIGHTS_UP_S);
      // Flares up a little before it burns evenly.
      this.lanterns.get(number).set(next + 0.35 * Math.sin(next * Math.PI));
      if (next === 1) this.rising.delete(number);
      else this.rising.set(number, next);
    }
    if (!this.still) {
      let phase = 0;
      for (const { swing } of this.lanterns.values()) {
        swing.rotation.z = 0.05 * Math.sin(now * 1.1 + phase);
        swing.rotation.x = 0.03 * Math.sin(now * 0.8 + phase);
        phase += 2;
      }
      this.drifting.rotation.y = now * 0.015;
      this.drifting.position.y = 0.12 * Math.sin(now * 0.5);
    } else if (!this.stale && !moves) {
      return;
    }
    this.stale = false;
    this.look.apply();
    this.renderer.render(this.scene, this.camera);
  }

  // Sky, paving, and two rows of houses.
  buildTown() {
    const { THREE, scene } = this;
    const sky = paint(THREE, 4, 256, (pen) => {
      const dusk = pen.createLinearGradient(0, 0, 0, 256);
      for (const [at, colour] of [[0, "#10152c"], [0.28, "#251d3f"], [0.42, "#5a2c43"], [0.5, "#b4542f"], [0.54, "#e58a44"], [1, "#2a1712"]]) dusk.addColorStop(at, colour);
      pen.fillStyle = dusk;
      pen.fillRect(0, 0, 4, 256);
    });
    scene.add(new THREE.Mesh(new THREE.SphereGeometry(90, 24, 24), new THREE.MeshBasicMaterial({ map: sky, side: THREE.BackSide, fog: false })));
    scene.fog = new THREE.Fog("#6b3427", 14, 62);
    const slabs = paint(THREE, 256, 256, (pen) => {
      pen.fillStyle = "#57504b";
      pen.fillRect(0, 0, 256, 256);
      for (let row = 0; row < 4; row += 1) {
        for (let column = 0; column < 4; column += 1) {
          const shade = 70 + ((row * 7 + column * 13) % 5) * 6;
          pen.fillStyle = `rgb(${shade + 12},${shade + 5},${shade})`;
          pen.fillRect(column * 64 + (row % 2) * 32 + 2, row * 64 + 2, 60, 60);
          pen.fillRect(column * 64 + (row % 2) * 32 - 254, row * 64 + 2, 60, 60);
        }
      }
    }, { repeat: [10, 34] });
    const ground = new THREE.Mesh(new THREE.PlaneGeometry(24, 80), new THREE.MeshLambertMaterial({ map: slabs }));
    ground.rotation.x = -Math.PI / 2;
    ground.position.z = -28;
    scene.add(ground);

    const front = paint(THREE, 512, 320, (pen, width, height) => {
      pen.fillStyle = "#5d1c14";
      pen.fillRect(0, 0, width, height);
      pen.fillStyle = "#256153";
      pen.fillRect(0, 0, width, 34);
      pen.fillStyle = "#d9a040";
      pen.fillRect(0, 34, width, 5);
      for (let panel = 0; panel < 6; panel += 1) {
        const x = 12 + panel * 83;
        const warm = pen.createLinearGradient(0, 60, 0, 210);
        warm.addColorStop(0, "#ffcf7a");
        warm.addColorStop(1, "#d9782f");
        pen.fillStyle = panel === 1 ? "#3a1a12" : warm;
        pen.fillRect(x + 6, 58, 66, 150);
        pen.strokeStyle = "#4a150e";
        pen.lineWidth = 4;
        for (let step = 0; step <= 4; step += 1) {
          pen.strokeRect(x + 6 + step * 16.5, 58, 0.1, 150);
          pen.strokeRect(x + 6, 58 + step * 37.5, 66, 0.1);
        }
        pen.fillStyle = "#7c2419";
        pen.fillRect(x + 6, 222, 66, 84);
        pen.strokeStyle = "#b0702e";
        pen.strokeRect(x + 16, 232, 46, 64);
      }
    });
    const bricks = paint(THREE, 128, 128, (pen) => {
      pen.fillStyle = "#6f6d6e";
      pen.fillRect(0, 0, 128, 128);
      pen.fillStyle = "rgba(30,28,30,.55)";
      for (let row = 0; row < 8; row += 1) {
        pen.fillRect(0, row * 16, 128, 2);
        for (let x = (row % 2) * 16; x < 128; x += 32) pen.fillRect(x, row * 16, 2, 16);
      }
    }, { repeat: [3, 2] });
    const along = 5.4;
    const fronted = new THREE.MeshLambertMaterial({ map: front, emissive: "#ffffff", emissiveMap: front, emissiveIntensity: 0.42 });
    const count = 14;
    const parts = [
      [new THREE.BoxGeometry(4, 3.3, along - 0.15).translate(0, 1.65, 0), new THREE.MeshLambertMaterial({ map: bricks })],
      [new THREE.PlaneGeometry(along - 0.5, 3.0).rotateY(Math.PI / 2).translate(2.02, 1.5, 0), fronted],
      [roofShape(THREE, { width: 5.6, length: along, rise: 1.7, lift: 0.3 }).translate(0, 3.35, 0), roofMaterial(THREE)],
      [new THREE.BoxGeometry(0.34, 0.34, along - 0.3).translate(0, 5.12, 0), new THREE.MeshLambertMaterial({ color: "#31383f" })],
    ].map(([shape, material]) => new THREE.InstancedMesh(shape, material, count));
    const place = new THREE.Object3D();
    for (let index = 0; index < count; index += 1) {
      const left = index % 2 === 0;
      const row = Math.floor(index / 2);
      place.position.set(left ? -7.4 : 7.4, 0, 1.6 - row * along - (left ? 0 : 1.4));
      place.rotation.y = left ? 0 : Math.PI;
      place.scale.set(1, 1 + ((index * 5) % 3) * 0.09, 1);
      place.updateMatrix();
      for (const part of parts) part.setMatrixAt(index, place.matrix);
    }
    scene.add(...parts);
    const disc = paint(THREE, 128, 128, (pen) => {
      const light = pen.createRadialGradient(64, 64, 0, 64, 64, 64);
      for (const [at, colour] of [[0, "#fff6e0"], [0.3, "#ffedc9"], [0.34, "rgba(255,222,170,.32)"], [1, "rgba(255,200,150,0)"]]) light.addColorStop(at, colour);
      pen.fillStyle = light;
      pen.fillRect(0, 0, 128, 128);
    });
    const moon = new THREE.Sprite(new THREE.SpriteMaterial({ map: disc, depthWrite: false, fog: false, transparent: true }));
    moon.scale.setScalar(9);
    moon.position.set(-15, 27, -58);
    scene.add(moon);
  }

  // What the lanterns hang from: cords from eave to eave.
  cords() {
    const { THREE } = this;
    const points = [];
    for (const [x, y, z] of Object.values(HANGS)) {
      for (const end of [-5.2, 5.2]) {
        let [px, py] = [x, y];
        for (let step = 1; step <= 8; step += 1) {
          const share = step / 8;
          const [nx, ny] = [x + (end - x) * share, y + (4.6 - y) * share ** 1.6];
          points.push(px, py, z, nx, ny, z);
          [px, py] = [nx, ny];
        }
      }
    }
    const shape = new THREE.BufferGeometry().setAttribute("position", new THREE.Float32BufferAttribute(points, 3));
    return new THREE.LineSegments(shape, new THREE.LineBasicMaterial({ color: "#2a1510" }));
  }

  // A few warm sparks in the air.
  sparks(glow) {
    const { THREE } = this;
    const places = new Float32Array(90);
    for (let index = 0; index < 30; index += 1) {
      const angle = index * 2.4;
      const away = 3 + ((index * 37) % 11);
      places.set([Math.sin(angle) * away, 0.6 + ((index * 53) % 40) / 10, -Math.abs(Math.cos(angle)) * away], index * 3);
    }
    const shape = new THREE.BufferGeometry().setAttribute("position", new THREE.BufferAttribute(places, 3));
    this.drifting = new THREE.Points(shape, new THREE.PointsMaterial({ map: glow, size: 0.22, color: "#ffcf8a", transparent: true, opacity: 0.8, depthWrite: false, blending: THREE.AdditiveBlending }));
    return this.drifting;
  }
}
