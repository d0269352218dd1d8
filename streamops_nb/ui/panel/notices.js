// What was told, newest last. All of it is set as text.

function element(tag, className, text) {
  const made = document.createElement(tag)
  if (className) made.className = className
  if (text !== undefined) made.textContent = text
  return made
}

const FADES = 6000 // milliseconds for which a success is shown
const LOOKS = 2000 // milliseconds between two looks for a server that has ended

export function render({model, view}) {
  const root = element("div", "notices")
  root.setAttribute("role", "log")
  root.setAttribute("aria-live", "polite")
  root.setAttribute("aria-label", "notices")
  const shown = new Map()
  const close = (number) => model.send_msg({event: "close", number})

  async function copy(button, line) {
    try {
      await navigator.clipboard.writeText(line)
      button.textContent = "Copied"
    } catch {
      // no clipboard without a secure page: the line is selected instead
      const range = document.createRange()
      range.selectNodeContents(button.previousElementSibling)
      const selection = window.getSelection()
      selection.removeAllRanges()
      selection.addRange(range)
    }
  }

  function make(item) {
    const box = element("div", `notice ${item.level}`)
    box.setAttribute("role", item.level === "error" ? "alert" : "status")
    const main = element("div", "main")
    main.append(element("div", "text", item.text))
    if (item.details.length) {
      const list = element("ul")
      for (const detail of item.details) list.append(element("li", "", detail))
      main.append(list)
    }
    if (item.line) {
      const python = element("div", "python")
      const button = element("button", "copy", "Copy as Python")
      button.type = "button"
      button.addEventListener("click", () => copy(button, item.line))
      python.append(element("code", "", item.line), button)
      main.append(python)
    }
    if (item.trace) {
      const details = element("details")
      details.append(element("summary", "", "Trace"), element("pre", "", item.trace))
      main.append(details)
    }
    const x = element("button", "close", "×")
    x.type = "button"
    x.setAttribute("aria-label", "close this notice")
    x.addEventListener("click", () => close(item.number))
    box.append(main, x)
    if (!item.stays) setTimeout(() => { if (!box.matches(":hover")) close(item.number) }, FADES)
    return box
  }

  function show() {
    const wanted = new Set(model.items.map((item) => item.number))
    for (const [number, box] of shown) {
      if (!wanted.has(number)) { box.remove(); shown.delete(number) }
    }
    for (const item of model.items) {
      if (!shown.has(item.number)) {
        const box = make(item)
        shown.set(item.number, box)
        root.append(box)
      }
    }
  }

  // the process that serves the page has ended: it is said, and the page comes back with the server
  function lost() {
    const text = "The server of this page does not answer. The page is loaded anew when it does."
    root.append(make({number: -1, level: "error", text, details: [], stays: true}))
    const again = setInterval(async () => {
      try {
        await fetch(location.href, {cache: "no-store"})
      } catch {
        return
      }
      clearInterval(again)
      location.reload()
    }, LOOKS)
  }

  // a file that was asked for comes as a message
  function hand_over({name, content}) {
    const link = element("a")
    link.href = URL.createObjectURL(new Blob([Uint8Array.from(atob(content), (c) => c.charCodeAt(0))]))
    link.download = name
    link.click()
    URL.revokeObjectURL(link.href)
  }

  model.on("msg:custom", (event) => {
    const said = event.data || event
    if (said.file) hand_over(said.file)
  })
  model.on("items", show)
  view.model.document?.on_event("connection_lost", lost)
  show()
  return root
}
