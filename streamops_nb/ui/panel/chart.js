// Lines over time. Drawn as SVG in the colours of the page; what is pointed at is told.

const SVG = "http://www.w3.org/2000/svg"
const H = 150, LEFT = 46, RIGHT = 8, TOP = 10, BOTTOM = 20

function draw(tag, attributes, text) {
  const made = document.createElementNS(SVG, tag)
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value)
  if (text !== undefined) made.textContent = text
  return made
}

function element(tag, className, text) {
  const made = document.createElement(tag)
  if (className) made.className = className
  if (text !== undefined) made.textContent = text
  return made
}

function short(value) {
  const size = Math.abs(value)
  if (size >= 1e9) return `${+(value / 1e9).toPrecision(3)} G`
  if (size >= 1e6) return `${+(value / 1e6).toPrecision(3)} M`
  if (size >= 1e4) return `${+(value / 1e3).toPrecision(3)} k`
  return String(+value.toPrecision(3))
}

// the smallest of 1, 2, 5 times a power of ten that is not below
function round_up(value) {
  if (!(value > 0)) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  return [1, 2, 5, 10].map((step) => step * power).find((top) => top >= value * 0.999)
}

const clock = (at) => new Date(at * 1000).toISOString().slice(11, 19)

export function render({model, el}) {
  const root = element("figure", "lines")
  const head = element("figcaption")
  const svg = draw("svg", {role: "img"})
  let W = 600 // as wide as it is shown, so that letters keep their size
  root.append(head, svg)

  function show(pointed) {
    const series = model.series.filter((one) => one.points.length)
    head.replaceChildren(element("b", "", model.title))
    for (const one of model.series) {
      const last = one.points.length ? one.points[one.points.length - 1][1] : null
      const told = pointed ? pointed.values[one.name] : last
      const label = element("span", `key tone${one.tone}`)
      label.append(element("i"), document.createTextNode(`${one.name} `),
        element("b", "", told === null || told === undefined ? "–" : `${short(told)}${model.unit}`))
      head.append(label)
    }
    if (pointed) head.append(element("span", "at", `${clock(pointed.at)} UTC`))
    svg.setAttribute("viewBox", `0 0 ${W} ${H}`)
    svg.replaceChildren()
    svg.setAttribute("aria-label", `${model.title} over time`)
    if (!series.length) {
      svg.append(draw("text", {x: W / 2, y: H / 2, class: "none"}, "nothing yet"))
      return
    }
    const times = series.flatMap((one) => one.points.map((point) => point[0]))
    const first = Math.min(...times), last = Math.max(...times, first + 1)
    const top = round_up(Math.max(...series.flatMap((one) => one.points.map((p) => p[1]))))
    const x = (at) => LEFT + (at - first) / (last - first) * (W - LEFT - RIGHT)
    const y = (value) => H - BOTTOM - Math.max(0, value) / top * (H - TOP - BOTTOM)
    for (const share of [0, 0.5, 1]) {
      svg.append(draw("line", {x1: LEFT, x2: W - RIGHT, y1: y(top * share), y2: y(top * share), class: "rule"}))
      svg.append(draw("text", {x: LEFT - 6, y: y(top * share) + 4, class: "left"}, short(top * share)))
    }
    svg.append(draw("text", {x: LEFT, y: H - 4, class: "from"}, clock(first)))
    svg.append(draw("text", {x: W - RIGHT, y: H - 4, class: "left"}, clock(last)))
    for (const one of series) {
      const line = one.points.map(([at, value]) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`)
      if (line.length === 1) line.push(line[0])
      svg.append(draw("polyline", {points: line.join(" "), class: `tone${one.tone}`}))
    }
    if (pointed) {
      svg.append(draw("line", {x1: x(pointed.at), x2: x(pointed.at), y1: TOP, y2: H - BOTTOM, class: "pointer"}))
    }
    svg._scale = {first, last}
  }

  let pointing = null

  function point() {
    if (!pointing || !svg._scale) return show()
    const box = svg.getBoundingClientRect()
    const {first, last} = svg._scale
    const share = ((pointing - box.left) / box.width * W - LEFT) / (W - LEFT - RIGHT)
    const at = first + Math.min(1, Math.max(0, share)) * (last - first)
    const values = {}
    let near = null
    for (const one of model.series) {
      for (const [time, value] of one.points) {
        if (near === null || Math.abs(time - at) < Math.abs(near - at)) near = time
      }
    }
    for (const one of model.series) {
      const found = one.points.find(([time]) => time === near)
      values[one.name] = found ? found[1] : null
    }
    show(near === null ? undefined : {at: near, values})
  }

  svg.addEventListener("pointermove", (event) => { pointing = event.clientX; point() })
  svg.addEventListener("pointerleave", () => { pointing = null; show() })
  model.on("series", point)
  const resized = new ResizeObserver(() => {
    const width = Math.round(svg.getBoundingClientRect().width)
    if (width && width !== W) {
      W = width
      point()
    }
  })
  resized.observe(svg)
  model.on("remove", () => resized.disconnect())
  show()
  return root
}
