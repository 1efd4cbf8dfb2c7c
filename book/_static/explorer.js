// The explorer of "Inside a ticket": a level and an arm -> what is left and how it does. Everything is in the page.
for (const root of document.querySelectorAll(".explorer")) {
  const { levels, names } = JSON.parse(root.querySelector("script").textContent);
  const slider = root.querySelector("input"), select = root.querySelector("select");
  const map = root.querySelector("svg"), shown = (name) => root.querySelector(`[data-shown=${name}]`);
  map.setAttribute("shape-rendering", "crispEdges");
  const side = Math.sqrt(atob(levels[0].map).length);
  map.setAttribute("viewBox", `0 0 ${side} ${side}`);
  const pixels = Array.from({ length: side * side }, (_, i) => {
    const pixel = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    for (const [key, value] of Object.entries({ x: i % side, y: Math.floor(i / side), width: 1, height: 1 }))
      pixel.setAttribute(key, value);
    return map.appendChild(pixel);
  });
  for (const [arm, name] of Object.entries(names)) select.add(new Option(name, arm));
  slider.max = levels.length - 1;
  const draw = () => {
    const level = levels[slider.value], arm = level.arms[select.value] ?? level.arms.ticket;
    atob(level.map).split("").forEach((byte, i) => pixels[i].setAttribute("opacity", byte.charCodeAt(0) / 255));
    shown("level").textContent = `level ${level.level}: ${level.percent}% of the weights`;
    shown("layers").textContent = Object.entries(level.layers)
      .map(([name, percent]) => `${name.replace(".weight", "")} ${percent}%`).join(", ");
    shown("before").textContent = `${arm.before.toFixed(1)}%`;
    shown("accuracy").textContent = `${arm.accuracy.toFixed(2)}%`;
    shown("stop").textContent = `iteration ${arm.stop.toLocaleString("en")}`;
    map.setAttribute("aria-label", `Surviving connections of each pixel at ${level.percent}% of the weights`);
  };
  slider.addEventListener("input", draw);
  select.addEventListener("change", draw);
  draw();
}
