// Says that the view stands of which this is a part, until that was heard: what comes before is lost.

// another one after the page was loaded anew
const PAGE = (window.streamops_page ??= `${Date.now()}-${Math.random()}`)

function stands(root) {
  const drawn = window.PyViz?.plot_index?.[root]
  return Boolean(drawn) || Boolean(window.Bokeh?.index && root in window.Bokeh.index)
}

// A line to the kernel on which the end of a view is told. JupyterLab's extension for Panel means to
// tell it, but never opens its own (pyviz_comms 3.0.6)
function line_of(root) {
  const line = window.PyViz?.kernels?.[root]?.connectToComm?.("streamops_nb")
  line?.open()
  return line
}

export function render({model, view}) {
  const root = view.root.model.id
  const end = line_of(root)
  let heard = false
  let waiting = null
  const look = () => {
    const drawn = stands(root)
    if (drawn) model.send_msg({root, page: PAGE})
    waiting = setTimeout(look, drawn ? 1_000 : 25)
  }
  const line = view.root.model.document?.roots().find((one) => one.client_comm_id)
  if (line) {
    // until it was heard, pieces of a message that began before the view stood are forgotten
    const answered = line.on_ack.bind(line)
    line.on_ack = (message) => {
      if (!heard) line._receiver = new line._receiver.constructor()
      answered(message)
    }
  }
  model.on("msg:custom", () => { heard = true; clearTimeout(waiting) })
  look()
  model.on("remove", () => {
    clearTimeout(waiting)
    // once the page has done with it: this may leave a layout that stays
    setTimeout(() => stands(root) || end?.send({gone: root, page: PAGE}))
  })
  return document.createElement("span")
}
