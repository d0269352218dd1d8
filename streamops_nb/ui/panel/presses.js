// A press counts for what was pressed, also if that was moved away meanwhile. Browsers make a click
// only of a press that ends where it began: parts that come late, a line that breaks, a row above
// would swallow it.

const PRESSED = "button, a, summary, tr[tabindex], input[type=checkbox], [role=tab], [role=menuitem]"
const FAR = 4 // pixels by which a pointer that rests moves

export function render({model, view}) {
  const root = view.root.el
  const down = (event) => {
    const node = event.composedPath().find((one) => one.matches?.(PRESSED))
    const counts = node && event.isPrimary && event.button === 0
    window.streamops_press = counts ? {node, x: event.clientX, y: event.clientY} : null
  }
  const up = (event) => {
    // of several screens on a page one tells
    const press = window.streamops_press
    window.streamops_press = null
    if (!press || event.composedPath().includes(press.node)) return
    const rests = Math.hypot(event.clientX - press.x, event.clientY - press.y) <= FAR
    if (rests && press.node.isConnected) press.node.click()
  }
  const forget = () => { window.streamops_press = null }
  const heard = [[root, "pointerdown", down], [window, "pointerup", up], [window, "pointercancel", forget]]
  for (const [where, name, what] of heard) where.addEventListener(name, what, true)
  model.on("remove", () => {
    for (const [where, name, what] of heard) where.removeEventListener(name, what, true)
  })
  return document.createElement("span")
}
