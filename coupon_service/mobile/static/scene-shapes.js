// What the street is built of. Lengths in metres; everything is drawn here, nothing is fetched.

export function paint(THREE, width, height, draw, { repeat } = {}) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  draw(canvas.getContext("2d"), width, height);
  const texture = new THREE.CanvasTexture(canvas);
  texture.colorSpace = THREE.SRGBColorSpace;
  texture.anisotropy = 4;
  if (repeat) {
    texture.wrapS = texture.wrapT = THREE.RepeatWrapping;
    texture.repeat.set(...repeat);
  }
  return texture;
}

// A soft disc of light.
export function glowTexture(THREE) {
  return paint(THREE, 128, 128, (pen) => {
    const light = pen.createRadialGradient(64, 64, 0, 64, 64, 64);
    light.addColorStop(0, "rgba(255,214,140,1)");
    light.addColorStop(0.22, "rgba(255,150,70,.55)");
    light.addColorStop(0.55, "rgba(255,90,40,.16)");
    light.addColorStop(1, "rgba(255,70,30,0)");
    pen.fillStyle = light;
    pen.fillRect(0, 0, 128, 128);
  });
}

// Paper on bamboo: ribs, gold at both ends, and a character on each side.
function lanternTexture(THREE, character) {
  return paint(THREE, 512, 256, (pen, width, height) => {
    const red = pen.createLinearGradient(0, 0, 0, height);
    for (const [at, colour] of [[0, "#8d130d"], [0.3, "#d8281a"], [0.55, "#ee3b22"], [1, "#8d130d"]]) red.addColorStop(at, colour);
    pen.fillStyle = red;
    pen.fillRect(0, 0, width, height);
    for (let x = 0; x < width; x += width / 16) {
      pen.fillStyle = "rgba(70,4,2,.5)";
      pen.fillRect(x, 0, 3, height);
      pen.fillStyle = "rgba(255,170,110,.22)";
      pen.fillRect(x + 3, 0, 4, height);
    }
    pen.fillStyle = "#f3bd4e";
    for (const y of [0, height - 20]) pen.fillRect(0, y, width, 20);
    pen.fillStyle = "#a35f12";
    for (const y of [22, height - 25]) pen.fillRect(0, y, width, 3);
    pen.font = `700 112px "Kaiti SC", KaiTi, STKaiti, "Noto Serif CJK SC", "Noto Serif SC", serif`;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    for (const x of [width * 0.25, width * 0.75]) {
      pen.fillStyle = "#ffd873";
      pen.fillText(character, x, height / 2 + 4);
    }
  });
}

// Gold on dark lacquer, in a gold frame.
function boardTexture(THREE, letters, ground) {
  return paint(THREE, 512, 160, (pen, width, height) => {
    pen.fillStyle = "#c8922e";
    pen.fillRect(0, 0, width, height);
    pen.fillStyle = ground;
    pen.fillRect(12, 12, width - 24, height - 24);
    const step = (width - 60) / letters.length;
    pen.font = `700 ${Math.min(104, step * 0.92)}px "Kaiti SC", KaiTi, STKaiti, "Noto Serif CJK SC", "Noto Serif SC", serif`;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.fillStyle = "#ffd56a";
    letters.forEach((letter, index) => pen.fillText(letter, 30 + step * (index + 0.5), height / 2 + 4));
  });
}

// A tiled roof that runs along z: its slopes hang a little, and both ends turn up.
export function roofShape(THREE, { width, length, rise, lift }) {
  const half = width / 2;
  const side = new THREE.Shape();
  side.moveTo(-half, 0.06);
  side.quadraticCurveTo(-half * 0.45, rise * 0.24, -0.1, rise);
  side.lineTo(0.1, rise);
  side.quadraticCurveTo(half * 0.45, rise * 0.24, half, 0.06);
  side.lineTo(half, -0.1);
  side.lineTo(-half, -0.1);
  const roof = new THREE.ExtrudeGeometry(side, { depth: length, steps: 14, bevelEnabled: false, curveSegments: 7 });
  roof.translate(0, 0, -length / 2);
  const points = roof.attributes.position;
  for (let index = 0; index < points.count; index += 1) {
    const outwards = Math.abs(points.getZ(index)) / (length / 2);
    points.setY(index, points.getY(index) + lift * outwards ** 5);
  }
  roof.computeVertexNormals();
  return roof;
}

export function roofMaterial(THREE, colour = "#3d4750") {
  const tiles = paint(THREE, 8, 64, (pen) => {
    pen.fillStyle = colour;
    pen.fillRect(0, 0, 8, 64);
    pen.fillStyle = "rgba(0,0,0,.5)";
    pen.fillRect(0, 0, 8, 22);
    pen.fillStyle = "rgba(255,220,190,.2)";
    pen.fillRect(0, 38, 8, 10);
  }, { repeat: [1, 3.2] });
  return new THREE.MeshLambertMaterial({ map: tiles });
}

// One lantern, hung from the group's origin. `set(share)` lights it, from 0 to 1.
export function makeLantern(THREE, character, glow) {
  const group = new THREE.Group();
  const swing = new THREE.Group();
  group.add(swing);
  const outline = [];
  for (let step = 0; step <= 18; step += 1) {
    const angle = (step / 18 - 0.5) * Math.PI;
    outline.push(new THREE.Vector2(0.13 + 0.34 * Math.cos(angle) ** 0.8, 0.38 * Math.sin(angle)));
  }
  const texture = lanternTexture(THREE, character);
  const paper = new THREE.MeshLambertMaterial({ map: texture, emissive: "#ffffff", emissiveMap: texture, emissiveIntensity: 0.16 });
  const body = new THREE.Mesh(new THREE.LatheGeometry(outline, 32), paper);
  body.position.y = -0.85;
  const gold = new THREE.MeshLambertMaterial({ color: "#d99a34", emissive: "#5a3206" });
  const fittings = [];
  const ring = (radius, height, y) => fittings.push(new THREE.CylinderGeometry(radius, radius, height, 20).translate(0, y, 0));
  ring(0.012, 0.46, -0.22);
  ring(0.17, 0.06, -0.45);
  ring(0.13, 0.05, -0.4);
  ring(0.17, 0.06, -1.25);
  ring(0.03, 0.12, -1.33);
  const metal = new THREE.Mesh(merged(THREE, fittings), gold);
  const threads = [];
  for (let index = 0; index < 9; index += 1) {
    const [x, z] = [Math.sin(index * 0.7) * 0.045, Math.cos(index * 0.7) * 0.045];
    threads.push(new THREE.CylinderGeometry(0.012, 0.016, 0.5, 5).translate(x, -1.62, z));
  }
  const tassel = new THREE.Mesh(merged(THREE, threads), new THREE.MeshLambertMaterial({ color: "#e0392a", emissive: "#4a0a06" }));
  const halo = new THREE.Sprite(new THREE.SpriteMaterial({ map: glow, blending: THREE.AdditiveBlending, depthWrite: false, transparent: true, opacity: 0 }));
  halo.position.y = -0.85;
  const lamp = new THREE.PointLight("#ff8a45", 0, 9, 1.8);
  lamp.position.y = -0.85;
  const hit = new THREE.Mesh(new THREE.SphereGeometry(0.8, 8, 6), new THREE.MeshBasicMaterial());
  hit.position.y = -0.95;
  hit.visible = false;
  swing.add(body, metal, tassel, halo, lamp, hit);
  const set = (share) => {
    paper.emissiveIntensity = 0.16 + 0.95 * share;
    halo.material.opacity = 0.85 * Math.min(1, share);
    halo.scale.setScalar(1.2 + 2.1 * share);
    lamp.intensity = 9 * share;
  };
  set(0);
  return { group, swing, hit, set };
}

// The gate of the street: four columns, painted beams, three roofs, and a board that is read from
// right to left, as the real one is.
export function makeGate(THREE, words) {
  const gate = new THREE.Group();
  const lacquer = new THREE.MeshLambertMaterial({ color: "#a02a1c" });
  const stone = new THREE.MeshLambertMaterial({ color: "#8b8580" });
  const columns = [];
  const bases = [];
  for (const [x, height] of [[-4.3, 4.6], [-1.75, 6], [1.75, 6], [4.3, 4.6]]) {
    columns.push(new THREE.CylinderGeometry(0.19, 0.21, height, 16).translate(x, height / 2, 0));
    bases.push(new THREE.BoxGeometry(0.7, 0.8, 0.9).translate(x, 0.4, 0));
  }
  const painted = paint(THREE, 256, 64, (pen, width, height) => {
    pen.fillStyle = "#1c5a4c";
    pen.fillRect(0, 0, width, height);
    for (let x = 0; x < width; x += 64) {
      pen.fillStyle = "#23527c";
      pen.beginPath();
      pen.moveTo(x, height / 2);
      pen.lineTo(x + 32, 8);
      pen.lineTo(x + 64, height / 2);
      pen.lineTo(x + 32, height - 8);
      pen.fill();
      pen.fillStyle = "#e9b34a";
      pen.beginPath();
      pen.arc(x + 32, height / 2, 9, 0, 7);
      pen.fill();
    }
    pen.fillStyle = "#e0a63c";
    for (const y of [0, height - 6]) pen.fillRect(0, y, width, 6);
  });
  const beams = [
    new THREE.BoxGeometry(3.4, 0.42, 0.34).translate(0, 4.35, 0),
    new THREE.BoxGeometry(3.4, 0.42, 0.34).translate(0, 5.75, 0),
    new THREE.BoxGeometry(2.5, 0.36, 0.3).translate(-3.02, 3.45, 0),
    new THREE.BoxGeometry(2.5, 0.36, 0.3).translate(3.02, 3.45, 0),
    new THREE.BoxGeometry(2.5, 0.36, 0.3).translate(-3.02, 4.35, 0),
    new THREE.BoxGeometry(2.5, 0.36, 0.3).translate(3.02, 4.35, 0),
  ];
  const board = new THREE.Mesh(
    new THREE.PlaneGeometry(2.7, 0.86),
    new THREE.MeshBasicMaterial({ map: boardTexture(THREE, [...words].reverse(), "#14304f") }),
  );
  board.position.set(0, 5.05, 0.18);
  const back = new THREE.BoxGeometry(3.3, 1, 0.1).translate(0, 5.05, 0);
  const roofs = [];
  for (const [x, y, length, rise] of [[0, 6.05, 4.5, 0.95], [-3.1, 4.65, 3.1, 0.75], [3.1, 4.65, 3.1, 0.75]]) {
    roofs.push(roofShape(THREE, { width: 2, length, rise, lift: 0.42 }).rotateY(Math.PI / 2).translate(x, y, 0));
  }
  gate.add(
    new THREE.Mesh(merged(THREE, [...columns, back]), lacquer),
    new THREE.Mesh(merged(THREE, bases), stone),
    new THREE.Mesh(merged(THREE, beams), new THREE.MeshLambertMaterial({ map: painted, emissive: "#ffffff", emissiveMap: painted, emissiveIntensity: 0.14 })),
    new THREE.Mesh(merged(THREE, roofs), roofMaterial(THREE, "#2c6b57")),
    board,
  );
  return gate;
}

// A shop with its door ajar, light behind it, and a board above.
export function makeShop(THREE, words, glow) {
  const shop = new THREE.Group();
  const wood = new THREE.MeshLambertMaterial({ color: "#7d2318" });
  const frame = [
    new THREE.BoxGeometry(0.28, 2.9, 0.3).translate(-1.35, 1.45, 0),
    new THREE.BoxGeometry(0.28, 2.9, 0.3).translate(1.35, 1.45, 0),
    new THREE.BoxGeometry(3.3, 0.3, 0.36).translate(0, 2.95, 0),
    new THREE.BoxGeometry(3, 0.16, 0.7).translate(0, 0.08, 0.1),
    new THREE.BoxGeometry(0.95, 2.6, 0.07).rotateY(0.95).translate(-0.98, 1.45, 0.4),
    new THREE.BoxGeometry(0.95, 2.6, 0.07).rotateY(-0.95).translate(0.98, 1.45, 0.4),
  ];
  const inside = paint(THREE, 128, 256, (pen, width, height) => {
    const light = pen.createRadialGradient(64, 120, 10, 64, 150, 190);
    light.addColorStop(0, "#fff3cf");
    light.addColorStop(0.45, "#ffc766");
    light.addColorStop(1, "#b4551a");
    pen.fillStyle = light;
    pen.fillRect(0, 0, width, height);
    pen.fillStyle = "rgba(110,50,14,.55)";
    for (const y of [70, 118, 166]) {
      pen.fillRect(8, y, width - 16, 5);
      for (let x = 14; x < width - 20; x += 17) pen.fillRect(x, y - 14 - ((x * 7) % 12), 10, 14 + ((x * 7) % 12));
    }
  });
  const light = new THREE.Mesh(new THREE.PlaneGeometry(2.5, 2.7), new THREE.MeshBasicMaterial({ map: inside }));
  light.position.set(0, 1.5, -0.05);
  const board = new THREE.Mesh(new THREE.PlaneGeometry(2.5, 0.78), new THREE.MeshBasicMaterial({ map: boardTexture(THREE, [...words], "#2a0f0a") }));
  board.position.set(0, 3.5, 0.22);
  const roof = roofShape(THREE, { width: 2.2, length: 4.3, rise: 0.85, lift: 0.36 }).rotateY(Math.PI / 2).translate(0, 4.05, 0);
  const halo = new THREE.Sprite(new THREE.SpriteMaterial({ map: glow, blending: THREE.AdditiveBlending, depthWrite: false, transparent: true, opacity: 0.5 }));
  halo.scale.set(5, 5, 1);
  halo.position.set(0, 1.5, 0.4);
  const hit = new THREE.Mesh(new THREE.BoxGeometry(3.6, 4.6, 1), new THREE.MeshBasicMaterial());
  hit.position.set(0, 2.2, 0.2);
  hit.visible = false;
  shop.add(new THREE.Mesh(merged(THREE, frame), wood), light, board, new THREE.Mesh(roof, roofMaterial(THREE)), halo, hit);
  return { shop, hit };
}

// Geometries of the same kind as one, so that they are drawn in one call.
export function merged(THREE, parts) {
  const plain = parts.map((part) => (part.index ? part.toNonIndexed() : part));
  const whole = new THREE.BufferGeometry();
  for (const [name, size] of [["position", 3], ["normal", 3], ["uv", 2]]) {
    const values = new Float32Array(plain.reduce((total, part) => total + part.attributes[name].array.length, 0));
    let offset = 0;
    for (const part of plain) {
      values.set(part.attributes[name].array, offset);
      offset += part.attributes[name].array.length;
    }
    whole.setAttribute(name, new THREE.BufferAttribute(values, size));
  }
  return whole;
}
