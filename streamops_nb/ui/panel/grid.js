// Rows of data, a page at a time; all of it is set as text.

function element(tag, className, text) {
  const made = document.createElement(tag)
  if (className) made.className = className
  if (text !== undefined) made.textContent = text
  return made
}

const written = (number) => number.toLocaleString("en")

// only what differs is written: a press, the focus and a text that is marked survive a refresh
function set(node, name, value) {
  if (node[name] !== value) node[name] = value
}

export function render({model, el}) {
  const root = element("div", "grid")
  const box = element("div", "box")
  box.tabIndex = 0
  const table = element("table")
  const head = element("thead")
  const body = element("tbody")
  const empty = element("div", "empty")
  const foot = element("div", "foot")
  table.append(head, body)
  box.append(table, empty)
  root.append(box, foot)

  function turner(label, text, step) {
    const made = element("button", "turn", text)
    made.type = "button"
    made.setAttribute("aria-label", label)
    made.addEventListener("click", () => model.send_msg({event: "page", page: model.page + step}))
    foot.append(made)
    return made
  }
  const before = turner("previous page", "‹", -1)
  const where = element("span", "where")
  foot.append(where)
  const after = turner("next page", "›", 1)

  function show_columns() {
    const line = element("tr")
    for (const column of model.columns) {
      const th = element("th", `${column.kind} ${column.tone || ""}`)
      th.scope = "col"
      th.title = {added: `${column.name}: new in the output`, removed: `${column.name}: not in the output`}[column.tone] || column.name
      th.append(element("span", "", column.name))
      if (column.note) th.append(element("small", "", column.note))
      line.append(th)
    }
    head.replaceChildren(line)
  }

  function make_row(at) {
    const tr = element("tr")
    if (model.clickable) {
      tr.tabIndex = 0
      // what was seen when it was pressed goes with it: the rows may have moved on meanwhile
      let seen = null
      const say = (which) => {
        model.send_msg({event: "click", row: model.page * model.page_size + at, seen: which})
      }
      tr.addEventListener("pointerdown", () => { seen = model.rows[at] })
      tr.addEventListener("click", () => { say(seen || model.rows[at]); seen = null })
      tr.addEventListener("keydown", (event) => {
        if (event.key === "Enter" || event.key === " ") { event.preventDefault(); say(model.rows[at]) }
      })
    }
    return tr
  }

  function fill_cell(td, value, column) {
    const [text, full, tone] = Array.isArray(value) ? value : [value, "", ""]
    const none = text === null ? "null" : ""
    set(td, "className", [column.kind, column.tone, tone, none].filter(Boolean).join(" "))
    set(td, "textContent", none || text)
    set(td, "title", full || "")
  }

  function show_rows() {
    model.rows.forEach((row, at) => {
      const tr = body.children[at] || body.appendChild(make_row(at))
      row.forEach((value, number) => {
        const td = tr.children[number] || tr.appendChild(element("td"))
        fill_cell(td, value, model.columns[number] || {})
      })
      while (tr.children.length > row.length) tr.lastChild.remove()
    })
    while (body.children.length > model.rows.length) body.lastChild.remove()
    root.classList.toggle("clickable", model.clickable)
    empty.textContent = model.empty
    empty.hidden = model.rows.length > 0 || !model.empty
    table.hidden = model.rows.length === 0 && model.columns.length === 0
    const {page, page_size, total} = model
    const first = page * page_size
    const all = `${written(total)} ${total === 1 ? "row" : "rows"}`
    const part = `${written(first + 1)}–${written(first + model.rows.length)} of ${all}`
    where.textContent = total > page_size ? part : total ? all : ""
    before.disabled = page <= 0
    after.disabled = first + page_size >= total
    before.hidden = after.hidden = total <= page_size
    show_tones()
  }

  function show_tones() {
    const chosen = model.chosen - model.page * model.page_size
    ;[...body.children].forEach((tr, at) => {
      set(tr, "className", [model.tones[at], at === chosen && "chosen"].filter(Boolean).join(" "))
    })
  }

  model.on("columns", () => { show_columns(); show_rows() })
  model.on(["rows", "total", "empty"], show_rows)
  model.on(["tones", "chosen"], show_tones)
  show_columns()
  show_rows()
  return root
}
