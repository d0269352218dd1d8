// The table of jobs. Rows are kept by their key, cells are changed one by one, so that selection,
// scroll and focus survive a refresh. Whatever comes in is set as text, never as HTML.

const SVG = "http://www.w3.org/2000/svg"

// 24 x 24 paths, drawn for this table
const SHAPES = {
  start: "M8 5v14l11-7z",
  pause: "M6 5h4v14H6zM14 5h4v14h-4z",
  stop: "M6 6h12v12H6z",
  more: "M4 10h4v4H4zM10 10h4v4h-4zM16 10h4v4h-4z",
  running: "M8 5v14l11-7z",
  turning: "M12 4a8 8 0 1 0 8 8h-3a5 5 0 1 1-5-5z",
  paused: "M7 5h3v14H7zM14 5h3v14h-3z",
  stopped: "M7 7h10v10H7z",
  failed: "M11 5h2v9h-2zM11 16h2v3h-2z",
  done: "M4 12l2-2 4 4 8-8 2 2-10 10z",
  ready: "M12 6a6 6 0 1 0 0 12 6 6 0 0 0 0-12zm0 3a3 3 0 1 1 0 6 3 3 0 0 1 0-6z",
  up: "M6 15l6-7 6 7z",
  down: "M6 9l6 7 6-7z",
}

function icon(name) {
  const svg = document.createElementNS(SVG, "svg")
  svg.setAttribute("viewBox", "0 0 24 24")
  svg.setAttribute("aria-hidden", "true")
  const path = document.createElementNS(SVG, "path")
  path.setAttribute("d", SHAPES[name] || SHAPES.ready)
  svg.append(path)
  return svg
}

function element(tag, className, text) {
  const made = document.createElement(tag)
  if (className) made.className = className
  if (text !== undefined) made.textContent = text
  return made
}

function button(className, label, shape) {
  const made = element("button", className)
  made.type = "button"
  made.setAttribute("aria-label", label)
  if (shape) made.append(icon(shape))
  return made
}

// what a cell shows is remembered on it, so that only what differs is written
function set(node, key, value, write) {
  node._shown = node._shown || {}
  if (node._shown[key] === value) return
  node._shown[key] = value
  write(node, value)
}

const set_text = (node, text) => set(node, "text", text, (n, t) => { n.textContent = t })
const set_title = (node, title) => set(node, "title", title || "", (n, t) => {
  if (t) n.title = t
  else n.removeAttribute("title")
})

function make_row(key, model, say) {
  const columns = model.columns
  const tr = element("tr")
  tr.dataset.key = key
  const box = element("td", "pick")
  const input = element("input")
  input.type = "checkbox"
  input.setAttribute("aria-label", `select ${key}`)
  input.addEventListener("change", () => say({event: "select", job: key, on: input.checked}))
  box.append(input)
  tr.append(box)
  const cells = {}
  for (const column of columns) {
    const td = element("td", column.kind)
    if (column.kind === "name") {
      const link = button("open", `open ${key}`)
      link.append(element("span", "text"))
      link.addEventListener("click", () => say({event: "open", job: key}))
      if (!model.opens) link.disabled = true
      td.append(link, element("span", "mark"), element("span", "chips"))
    } else if (column.kind === "status") {
      td.append(element("span", "chip"))
    } else if (column.kind === "operations") {
      for (const verb of ["start", "pause", "stop"]) {
        const act = button(`act ${verb}`, `${verb} ${key}`, verb)
        act.addEventListener("click", () => {
          if (act.getAttribute("aria-disabled") !== "true") say({event: "act", verb, job: key})
        })
        td.append(act)
      }
      const more = button("act more", `more for ${key}`, "more")
      more.setAttribute("aria-haspopup", "menu")
      td.append(more)
    }
    cells[column.key] = td
    tr.append(td)
  }
  return {tr, input, cells}
}

function fill(row, columns, data) {
  for (const column of columns) {
    if (!(column.key in data)) continue
    const td = row.cells[column.key]
    const value = data[column.key]
    if (column.kind === "name") fill_name(td, value)
    else if (column.kind === "status") fill_status(td.firstChild, value)
    else if (column.kind === "operations") fill_operations(td, value)
    else {
      set_text(td, value.text)
      set_title(td, value.title)
      set(td, "tone", value.tone || "", (n, t) => { n.dataset.tone = t })
    }
  }
}

function fill_name(td, value) {
  set_text(td.querySelector(".text"), value.text)
  set_title(td.querySelector(".open"), value.title)
  const mark = td.querySelector(".mark")
  set_text(mark, value.mark || "")
  set_title(mark, value.mark_title)
  set(td.querySelector(".chips"), "tags", JSON.stringify(value.tags), (n) => {
    n.replaceChildren(...value.tags.map((tag) => element("span", "tag", tag)))
  })
}

function fill_status(chip, value) {
  set(chip, "shape", value.shape, (n, shape) => { n.replaceChildren(icon(shape), element("span")) })
  set(chip, "tone", value.tone, (n, tone) => { n.className = `chip ${tone}` })
  set_text(chip.lastChild, value.text)
  set_title(chip, value.title)
}

function fill_operations(td, value) {
  for (const verb of ["start", "pause", "stop"]) {
    const act = td.querySelector(`.${verb}`)
    const why = value[verb]
    // not `disabled`: a reason that nobody can hover or focus is no reason
    set(act, "off", Boolean(why), (n, off) => { n.setAttribute("aria-disabled", String(off)) })
    set_title(act, why || `${verb[0].toUpperCase()}${verb.slice(1)}`)
  }
  td.dataset.busy = value.busy || ""
}

// what was shown while the page came is shown until this can be seen
function take_over(root) {
  const first = document.getElementById("first")
  if (!first) return
  new IntersectionObserver((found, watching) => {
    if (!found.some((one) => one.isIntersecting)) return
    watching.disconnect()
    first.remove()
  }).observe(root)
}

export function render({model, el}) {
  const root = element("div", "jobs")
  const table = element("table")
  const head = element("thead")
  const body = element("tbody")
  const empty = element("div", "empty")
  table.append(head, body)
  root.append(table, empty)
  const say = (message) => model.send_msg(message)

  const columns = model.columns
  const line = element("tr")
  const all = element("input")
  all.type = "checkbox"
  all.setAttribute("aria-label", "select all jobs of this page")
  all.addEventListener("change", () => say({event: "all", on: all.checked}))
  const corner = element("th", "pick")
  corner.append(all)
  line.append(corner)
  const heads = {}
  for (const column of columns) {
    const th = element("th", column.kind)
    th.scope = "col"
    if (column.order) {
      const sort = button("sort", `sort by ${column.title}`)
      sort.append(element("span", "", column.title), element("span", "arrow"))
      sort.addEventListener("click", () => say({event: "sort", order: column.order}))
      th.append(sort)
      heads[column.order] = th
    } else th.textContent = column.title
    if (column.help) th.title = column.help
    line.append(th)
  }
  head.append(line)

  let rows = new Map()

  function show_selected() {
    const chosen = new Set(model.selected)
    let on = 0
    for (const [key, row] of rows) {
      row.input.checked = chosen.has(key)
      row.tr.classList.toggle("selected", row.input.checked)
      on += row.input.checked
    }
    all.checked = on > 0 && on === rows.size
    all.indeterminate = on > 0 && on < rows.size
  }

  function show_rows() {
    const before = rows
    rows = new Map()
    const order = []
    for (const data of model.rows) {
      const row = before.get(data.key) || make_row(data.key, model, say)
      fill(row, columns, data)
      rows.set(data.key, row)
      order.push(row.tr)
    }
    // a row that stays is not moved if it need not be: moving loses the focus
    order.forEach((tr, at) => {
      if (body.children[at] !== tr) body.insertBefore(tr, body.children[at] || null)
    })
    while (body.children.length > order.length) body.lastChild.remove()
    show_selected()
    show_empty()
    place_menu()
  }

  function show_empty() {
    set_text(empty, model.empty)
    empty.hidden = rows.size > 0 || !model.empty
    table.classList.toggle("bare", rows.size === 0)
  }

  function show_order() {
    for (const [key, th] of Object.entries(heads)) {
      const mine = key === model.order
      th.setAttribute("aria-sort", mine ? (model.falling ? "descending" : "ascending") : "none")
      const arrow = th.querySelector(".arrow")
      arrow.replaceChildren(...(mine ? [icon(model.falling ? "down" : "up")] : []))
    }
  }

  function patch(changes) {
    for (const data of changes) {
      const row = rows.get(data.key)
      if (row) fill(row, columns, data)
      // kept, so that a table that is drawn anew shows the present
      const kept = model.rows.find((one) => one.key === data.key)
      if (kept) Object.assign(kept, data)
    }
  }

  // the menu of one row
  let menu = null
  let opener = null

  function close_menu(focus) {
    if (!menu) return
    menu.remove()
    opener.setAttribute("aria-expanded", "false")
    if (focus) opener.focus()
    menu = opener = null
  }

  function open_menu(more, key) {
    close_menu()
    opener = more
    opener.setAttribute("aria-expanded", "true")
    const data = model.rows.find((one) => one.key === key)
    menu = element("div", "menu")
    menu.setAttribute("role", "menu")
    for (const item of model.menu) {
      const why = (data.operations.more || {})[item.verb] || ""
      const entry = element("button", item.danger ? "item danger" : "item", item.title)
      entry.type = "button"
      entry.setAttribute("role", "menuitem")
      entry.setAttribute("aria-disabled", String(Boolean(why)))
      if (why) entry.title = why
      entry.addEventListener("click", () => {
        if (why) return
        close_menu(true)
        say({event: "act", verb: item.verb, job: key})
      })
      menu.append(entry)
    }
    // above all of the page: JupyterLab's cells are moved, and what is fixed in them is not
    menu.popover = "manual"
    root.append(menu)
    menu.showPopover?.()
    place_menu()
    menu.firstChild.focus()
  }

  // beside its row, where that is after a scroll or a refresh; gone with it
  function place_menu() {
    if (!menu) return
    const place = opener.getBoundingClientRect()
    if (!opener.isConnected || place.bottom < 0 || place.top > window.innerHeight) {
      close_menu()
      return
    }
    const above = place.top - menu.offsetHeight
    const fits = place.bottom + menu.offsetHeight < window.innerHeight || above < 0
    menu.style.top = `${fits ? place.bottom : above}px`
    menu.style.left = `${Math.max(0, place.right - menu.offsetWidth)}px`
  }

  root.addEventListener("click", (event) => {
    const more = event.target.closest(".more")
    if (more) {
      if (opener === more) close_menu(true)
      else open_menu(more, more.closest("tr").dataset.key)
    } else if (menu && !event.target.closest(".menu")) close_menu()
  })
  root.addEventListener("keydown", (event) => {
    if (!menu) return
    if (event.key === "Escape") close_menu(true)
    const step = {ArrowDown: 1, ArrowUp: -1}[event.key]
    if (step) {
      const items = [...menu.children]
      const at = items.indexOf(event.target)
      items[(at + step + items.length) % items.length].focus()
      event.preventDefault()
    }
  })
  const outside = (event) => { if (menu && !event.composedPath().includes(root)) close_menu() }
  document.addEventListener("click", outside)
  window.addEventListener("scroll", place_menu, true)

  model.on("rows", show_rows)
  model.on("selected", show_selected)
  model.on("empty", show_empty)
  model.on("order", show_order)
  model.on("falling", show_order)
  model.on("msg:custom", (event) => patch((event.data || event).patch || []))
  model.on("remove", () => {
    document.removeEventListener("click", outside)
    window.removeEventListener("scroll", place_menu, true)
  })

  show_rows()
  show_order()
  // what changed before this listened was told to nobody
  say({event: "ready"})
  if (!model.first) take_over(root)
  return root
}
