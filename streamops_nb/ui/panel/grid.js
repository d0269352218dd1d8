// Rows of data, a page at a time; all of it is set as text.

function element(tag, className, text) {
  const made = document.createElement(tag)
  if (className) made.className = className
  if (text !== undefined) made.textContent = text
  return made
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
      th.append(element("span", "", column.name))
      if (column.note) th.append(element("small", "", column.note))
      line.append(th)
    }
    head.replaceChildren(line)
  }

  function make_row(row, at) {
    const tr = element("tr", model.tones[at] || "")
    row.forEach((value, number) => {
      const column = model.columns[number] || {}
      const td = element("td", `${column.kind || ""} ${column.tone || ""}`)
      const [text, full, tone] = Array.isArray(value) ? value : [value, "", ""]
      if (tone) td.classList.add(tone)
      if (text === null) { td.classList.add("null"); td.textContent = "null" }
      else td.textContent = text
      if (full) td.title = full
      tr.append(td)
    })
    if (model.clickable) {
      tr.tabIndex = 0
      const say = () => model.send_msg({event: "click", row: model.page * model.page_size + at})
      tr.addEventListener("click", say)
      tr.addEventListener("keydown", (event) => {
        if (event.key === "Enter" || event.key === " ") { event.preventDefault(); say() }
      })
    }
    return tr
  }

  function show_rows() {
    body.replaceChildren(...model.rows.map(make_row))
    root.classList.toggle("clickable", model.clickable)
    empty.textContent = model.empty
    empty.hidden = model.rows.length > 0 || !model.empty
    table.hidden = model.rows.length === 0 && model.columns.length === 0
    const pages = Math.max(1, Math.ceil(model.total / model.page_size))
    const first = model.page * model.page_size
    where.textContent = model.total
      ? `${(first + 1).toLocaleString("en")}–${(first + model.rows.length).toLocaleString("en")} of ${model.total.toLocaleString("en")} rows`
      : ""
    before.disabled = model.page <= 0
    after.disabled = model.page >= pages - 1
    before.hidden = after.hidden = pages < 2
    show_chosen()
  }

  function show_chosen() {
    const at = model.chosen - model.page * model.page_size
    ;[...body.children].forEach((tr, number) => tr.classList.toggle("chosen", number === at))
  }

  model.on("columns", () => { show_columns(); show_rows() })
  model.on("rows", show_rows)
  model.on("total", show_rows)
  model.on("chosen", show_chosen)
  model.on("empty", show_rows)
  show_columns()
  show_rows()
  return root
}
