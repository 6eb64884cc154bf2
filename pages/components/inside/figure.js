// One window of a network in three depths: prices, layers and a unit, with one pointer through all of them: see `figure.py`.

const LEFT = 62, RIGHT = 10 // pixels beside the plots, alike in all of them
const PRICES = 190, GAP = 10, CURVES = 104, AXIS = 20
const WIDE = 640 // pixels from which on the unit stands beside the layer
const NUDGE = 0.005 // of a price, by an arrow key
const REACH = 0.3 // of a price, by which it can be dragged
const KNOWN = new Map() // networks that this browser has, by the id of the run

const THIN = "\u202f", MINUS = "\u2212"
const DASHES = [[], [6, 3], [2, 2], [8, 3, 2, 3], [], [4, 4]]

const MARKUP = `
<div class="day">
  <div class="row">
    <button type="button" data-do="earlier" title="One step back" aria-label="One step back">‹</button>
    <input type="range" class="origin" min="0" step="1" aria-label="Last known day of the window">
    <button type="button" data-do="later" title="One step on" aria-label="One step on">›</button>
    <strong class="when"></strong>
  </div>
  <canvas class="overview" role="img"></canvas>
</div>
<div class="panels">
  <section class="window">
    <h4>Window</h4>
    <p class="how" data-how="window"></p>
    <div class="plot"><canvas class="prices" role="img"></canvas><div class="handle" role="slider" tabindex="0"></div></div>
  </section>
  <section class="outcome">
    <div class="answer"></div>
    <p class="changed" aria-live="polite"></p>
    <div class="row"><button type="button" data-do="reset">Reset the prices</button></div>
  </section>
  <section class="layer">
    <h4>Layer <span class="layers row" role="group" aria-label="Layer"></span>
      <button type="button" data-do="stretch" aria-pressed="false"></button></h4>
    <p class="how" data-how="layer"></p>
    <canvas class="maps" role="slider" tabindex="0"></canvas>
  </section>
  <section class="one">
    <h4>Unit <input type="number" class="unit" min="1" step="1" aria-label="Unit"></h4>
    <p class="how" data-how="unit"></p>
    <canvas class="curves" role="img"></canvas>
    <p class="at"></p>
    <div class="equations"></div>
  </section>
</div>
<div class="row take">
  <button type="button" data-do="picture">Picture (PNG)</button>
  <button type="button" data-do="data">Data (CSV)</button>
</div>`

class InsideFigure {
  constructor(parent) {
    this.node = document.createElement("div")
    this.node.className = "inside"
    this.node.setAttribute("role", "figure")
    this.node.innerHTML = MARKUP
    parent.append(this.node)
    this.sent = 0
    this.drawn = 0 // pictures so far, for measuring
    this.prices = new Map() // row: the price that it was dragged to
    this.listen()
    this.watcher = new ResizeObserver(() => this.redraw())
    this.watcher.observe(this.node)
  }

  find(name) { return this.node.querySelector(`.${name}`) }

  // What the page says. view: {day, layer, unit, step, echo}
  show({ id, network, view, colours, words }, send) {
    this.send = send
    this.colours = colours
    this.said = words
    if (network) KNOWN.set(id, prepare(network))
    if (!KNOWN.has(id)) { // this browser was reloaded, or another one took over
      if (this.missing !== id) this.tell({ has: null })
      this.missing = id
      return
    }
    const other = id !== this.id
    this.id = id
    this.data = KNOWN.get(id)
    if (other || (view.echo >= this.sent && JSON.stringify(view) !== this.view)) {
      this.view = JSON.stringify(view)
      const found = this.data.dates.indexOf(view.day), day = found < 0 ? Math.max(0, this.data.dates.length - 2) : found
      const moved = other || this.data.origins[day] !== this.origin
      this.origin = this.data.origins[day]
      this.layer = Math.min(view.layer, this.data.net.layers.length - 1)
      this.unit = Math.min(view.unit, this.units - 1)
      this.step = view.step === null ? this.data.net.window - 1 : Math.min(view.step, this.data.net.window - 1)
      if (moved) this.prices.clear()
    }
    this.hover = null
    this.prepareControls()
    this.compute(true)
    this.redraw()
  }

  end() {
    this.watcher.disconnect()
    cancelAnimationFrame(this.waiting)
    this.waiting = undefined
  }

  get units() { return this.data.net.layers[this.layer].units }
  get order() { return this.data.orders[this.layer] }
  get names() { return this.data.net.names }
  get first() { return this.origin - this.data.net.window + 1 } // the first row of the window
  get at() { return this.hover?.step ?? this.step }
  get shownUnit() { return this.hover?.unit ?? this.unit }

  // Tells the page what is shown. Each message has a number, so that a late answer to an earlier one changes nothing; the clock
  // makes it differ from those of an earlier figure in the same place.
  tell(more = {}) {
    this.sent = Math.max(this.sent + 1, Date.now())
    this.send({ n: this.sent, has: this.id ?? null, ...this.data && { day: this.data.dates[this.origin - this.data.start],
      layer: this.layer, unit: this.unit, step: this.step }, ...more })
  }

  // The network's answer to the prices as they are now. base: also to those that came
  compute(base = false) {
    const { net } = this.data
    if (base) this.base = net.forward(this.inputs(false))
    if (!this.prices.size) this.now = this.base
    else this.now = net.forward(this.inputs(true), Math.min(...this.prices.keys()) - this.first, this.base)
  }

  price(row, changed = true) {
    return (changed ? this.prices.get(row) : undefined) ?? this.data.close[row - this.data.offset]
  }

  inputs(changed) {
    const { net, encoded, offset } = this.data
    const first = this.origin - net.length + 1, inputs = new Float64Array(net.length * net.channels)
    for (let i = 0; i < net.length; i++) {
      const row = first + i
      if (row < 0) continue // before the history there are zeros
      for (let c = 0; c < net.channels; c++) inputs[i * net.channels + c] = encoded[(row - offset) * net.channels + c]
    }
    if (!changed || this.data.place === null) return inputs
    for (const row of this.prices.keys()) {
      for (const touched of [row, row + 1]) {
        if (touched > this.origin) continue
        const before = touched > offset ? this.price(touched - 1) : null
        inputs[(touched - first) * net.channels + this.data.place] = net.encode(this.price(touched), before)
      }
    }
    return inputs
  }

  forecast(result, changed) { return this.data.net.prices(result.outputs, this.price(this.origin, changed)) }

  // What a person does.

  listen() {
    this.node.addEventListener("click", event => {
      const button = event.target.closest("button[data-do]")
      if (button) this[`do_${button.dataset.do}`]()
      const layer = event.target.closest("button[data-layer]")
      if (layer) this.chooseLayer(Number(layer.dataset.layer))
    })
    const origin = this.find("origin")
    origin.addEventListener("input", () => this.moveTo(this.data.origins[Number(origin.value)]))
    origin.addEventListener("change", () => this.tell())
    const overview = this.find("overview")
    overview.addEventListener("click", event => {
      const share = (event.offsetX - LEFT) / (overview.clientWidth - LEFT - RIGHT)
      const { origins } = this.data
      this.moveTo(origins[Math.min(origins.length - 1, Math.max(0, Math.round(share * (origins.length - 1))))])
      this.tell()
    })
    const unit = this.find("unit")
    unit.addEventListener("change", () => {
      this.unit = Math.min(this.units, Math.max(1, Math.round(Number(unit.value) || 1))) - 1
      this.redraw()
      this.tell()
    })
    for (const name of ["prices", "maps", "curves"]) this.listenToPlot(this.find(name), name === "maps")
    this.find("maps").addEventListener("keydown", event => this.keyOnMaps(event))
    this.listenToHandle()
  }

  listenToPlot(canvas, hasUnits) {
    const place = event => {
      const step = Math.floor((event.offsetX - LEFT) / this.column)
      if (!this.data || step < 0 || step >= this.data.net.window) return null
      const map = hasUnits && this.maps.find(one => event.offsetY >= one.top && event.offsetY < one.top + one.height)
      if (!map) return { step }
      const row = Math.min(this.units - 1, Math.floor((event.offsetY - map.top) / map.height * this.units))
      return { step, unit: this.order[row] }
    }
    canvas.addEventListener("pointermove", event => {
      if (this.dragging || event.pointerType === "touch") return
      this.hover = place(event)
      this.redraw()
    })
    canvas.addEventListener("pointerleave", () => {
      if (this.dragging) return
      this.hover = null
      this.redraw()
    })
    canvas.addEventListener("pointerdown", event => {
      if (canvas.className === "prices" && event.pointerType !== "touch") this.startDrag(event, place(event))
    })
    canvas.addEventListener("click", event => {
      const found = place(event)
      if (!found || this.justDragged) return
      this.step = found.step
      this.unit = found.unit ?? this.unit
      this.hover = null
      this.redraw()
      this.tell()
    })
  }

  keyOnMaps(event) {
    const at = this.order.indexOf(this.unit), moves = { ArrowUp: -1, ArrowDown: 1 }, steps = { ArrowLeft: -1, ArrowRight: 1 }
    if (event.key in moves) this.unit = this.order[Math.min(this.units - 1, Math.max(0, at + moves[event.key]))]
    else if (event.key in steps) this.step = Math.min(this.data.net.window - 1, Math.max(0, this.step + steps[event.key]))
    else return
    event.preventDefault()
    this.redraw()
    this.tellSoon()
  }

  listenToHandle() {
    const handle = this.find("handle")
    handle.addEventListener("pointerdown", event => this.startDrag(event, { step: this.at }))
    handle.addEventListener("pointermove", event => { if (this.dragging) this.drag(event) })
    for (const name of ["pointerup", "pointercancel"]) handle.addEventListener(name, event => this.endDrag(event))
    handle.addEventListener("keydown", event => {
      const steps = { ArrowLeft: -1, ArrowRight: 1 }, nudges = { ArrowUp: 1, ArrowDown: -1, PageUp: 5, PageDown: -5 }
      if (event.key in steps) {
        this.step = Math.min(this.data.net.window - 1, Math.max(0, this.at + steps[event.key]))
        this.hover = null
      } else if (event.key === "Home" || event.key === "End") {
        this.step = event.key === "Home" ? 0 : this.data.net.window - 1
      } else if (event.key in nudges) {
        const row = this.first + this.at, own = this.price(row, false)
        this.change(row, this.price(row) + nudges[event.key] * NUDGE * Math.abs(own))
      } else if (event.key === "Escape") {
        this.prices.clear()
        this.compute()
      } else return
      event.preventDefault()
      this.redraw()
      this.tellSoon({ drag: this.lastDrag() })
    })
  }

  startDrag(event, place) {
    if (!place || this.data.fixed || event.button) return
    const row = this.first + place.step, [low, high] = this.scale
    // A press far from the line only points at a day.
    if (event.target !== this.find("handle") && Math.abs(this.priceY(this.price(row)) - event.offsetY) > 26) return
    this.step = place.step
    this.hover = null
    this.dragging = { row, from: event.clientY, price: this.price(row), unit: (high - low) / (PRICES - AXIS - 16), moved: false }
    this.find("handle").setPointerCapture(event.pointerId)
    this.find("handle").focus({ preventScroll: true })
    event.preventDefault()
  }

  drag(event) {
    const { row, from, price, unit } = this.dragging
    this.dragging.moved ||= Math.abs(event.clientY - from) > 2
    if (this.dragging.moved) this.change(row, price + (from - event.clientY) * unit)
  }

  endDrag(event) {
    if (!this.dragging) return
    const { moved } = this.dragging
    this.dragging = null
    this.justDragged = moved
    setTimeout(() => { this.justDragged = false })
    this.find("handle").releasePointerCapture?.(event.pointerId)
    this.redraw()
    this.tell(moved ? { drag: this.lastDrag() } : {})
  }

  // Gives a row of the window another price, within bounds.
  change(row, price) {
    if (this.data.fixed) return
    const own = this.price(row, false), reach = REACH * (Math.abs(own) || 1)
    this.prices.set(row, Math.min(own + reach, Math.max(own - reach, price)))
    this.last = row
    this.compute()
    this.redraw()
  }

  // {row from the end of the window, percent} of the price that was changed last, or null
  lastDrag() {
    if (!this.prices.has(this.last)) return null
    const own = this.price(this.last, false)
    return { back: this.origin - this.last, percent: 100 * (this.price(this.last) - own) / (Math.abs(own) || 1) }
  }

  tellSoon(more) {
    clearTimeout(this.soon)
    this.soon = setTimeout(() => this.tell(more), 400)
  }

  moveTo(origin) {
    if (origin === this.origin) return
    this.origin = origin
    this.prices.clear()
    this.compute(true)
    this.redraw()
  }

  chooseLayer(layer) {
    this.layer = layer
    this.unit = Math.min(this.unit, this.units - 1)
    this.hover = null
    this.prepareControls()
    this.redraw()
    this.tell()
  }

  do_earlier() { this.stepDay(-1) }
  do_later() { this.stepDay(1) }

  stepDay(by) {
    const { origins } = this.data, at = origins.indexOf(this.origin) + by
    if (at < 0 || at >= origins.length) return
    this.moveTo(origins[at])
    this.tell()
  }

  do_reset() {
    this.prices.clear()
    this.compute()
    this.redraw()
    this.tell({ drag: null })
  }

  // Colours and curves over the values that there are in place of all that there can be
  do_stretch() {
    this.stretched = !this.stretched
    this.node.querySelector("[data-do=stretch]").setAttribute("aria-pressed", String(this.stretched))
    this.redraw()
  }

  do_picture() {
    this.draw()
    const parts = ["overview", "prices", "maps", "curves"].map(name => this.find(name)), ratio = devicePixelRatio || 1
    const width = Math.max(...parts.map(one => one.width)), space = 14 * ratio
    const whole = document.createElement("canvas")
    whole.width = width
    whole.height = parts.reduce((sum, one) => sum + one.height + space, space + 22 * ratio)
    const draw = whole.getContext("2d")
    draw.fillStyle = this.colours.surface
    draw.fillRect(0, 0, whole.width, whole.height)
    draw.fillStyle = this.colours.text
    draw.font = `${15 * ratio}px ${this.font}`
    draw.fillText(`${this.data.title}: ${this.when()}`, LEFT * ratio, 20 * ratio)
    let y = 22 * ratio + space
    for (const one of parts) {
      draw.drawImage(one, 0, y)
      y += one.height + space
    }
    whole.toBlob(blob => save(blob, `${this.data.file}.png`))
  }

  do_data() {
    const { net, dates, start } = this.data, names = this.names
    const lines = [["date", "price", "layer", "unit", ...names].join(",")]
    for (let t = 0; t < net.window; t++) {
      const row = this.first + t, head = `${this.iso(row)},${this.price(row)}`
      this.now.layers.forEach((told, layer) => {
        const { units } = net.layers[layer]
        for (let u = 0; u < units; u++) {
          lines.push(`${head},${layer + 1},${u + 1},${names.map(name => told[name][t * units + u]).join(",")}`)
        }
      })
    }
    save(new Blob([lines.join("\n") + "\n"], { type: "text/csv" }), `${this.data.file}-${dates[this.origin - start]}.csv`)
  }

  // What is seen.

  when() { return `${this.said.after} ${this.label(this.origin)}` }
  label(row) { return this.data.labels[row - this.data.offset] ?? `${this.data.one} ${row - this.data.rows + 1} ahead` }
  iso(row) { return this.data.stamps[row - this.data.offset] ?? "" }

  prepareControls() {
    const { net, origins } = this.data, origin = this.find("origin")
    origin.max = origins.length - 1
    const layers = this.find("layers")
    layers.innerHTML = net.layers.map((layer, i) =>
      `<button type="button" data-layer="${i}" aria-pressed="${i === this.layer}">${i + 1}</button>`).join("")
    layers.hidden = net.layers.length === 1
    this.find("unit").max = this.units
    this.node.querySelector("[data-do=stretch]").textContent = this.said.stretch
    for (const how of this.node.querySelectorAll("[data-how]")) how.textContent = this.said[how.dataset.how]
    this.node.setAttribute("aria-label", this.said.figure)
    this.find("handle").hidden = Boolean(this.data.fixed)
  }

  redraw() {
    if (this.waiting === undefined) {
      this.waiting = requestAnimationFrame(() => {
        this.waiting = undefined
        if (this.data && this.node.isConnected && this.node.clientWidth) this.draw()
      })
    }
  }

  draw() {
    const style = getComputedStyle(this.node)
    this.font = style.fontFamily
    this.node.classList.toggle("wide", this.node.clientWidth >= WIDE)
    const { horizon } = this.data.net
    this.ahead = Math.min(horizon, Math.max(3, Math.ceil(this.data.net.window / 5)))
    this.node.querySelector("[data-how=window]").textContent = this.said.window +
      (this.ahead < horizon ? ` Of the ${horizon} steps that are forecast, the first ${this.ahead} are drawn.` : "")
    const width = this.find("plot").clientWidth
    this.column = (width - LEFT - RIGHT) / (this.data.net.window + this.ahead + 1.5)
    this.drawDay()
    this.drawPrices(width)
    this.drawMaps(width)
    this.drawCurves()
    this.writeAnswer()
    this.writeEquations()
    this.drawn += 1
  }

  x(step) { return LEFT + (step + 0.5) * this.column }
  priceY(price) {
    const [low, high] = this.scale
    return 8 + (high - price) / (high - low) * (PRICES - AXIS - 16)
  }

  pen(canvas, width, height) {
    const ratio = devicePixelRatio || 1
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio)
      canvas.height = Math.round(height * ratio)
      canvas.style.height = `${height}px`
    }
    const pen = canvas.getContext("2d")
    pen.setTransform(ratio, 0, 0, ratio, 0, 0)
    pen.clearRect(0, 0, width, height)
    pen.font = `12px ${this.font}`
    pen.lineJoin = "round"
    return pen
  }

  drawDay() {
    const { origins, offset, close, parts } = this.data, c = this.colours
    const canvas = this.find("overview"), width = canvas.parentElement.clientWidth, height = 62
    const shape = `${this.id} ${this.origin} ${width} ${devicePixelRatio} ${c.surface}`
    if (shape === this.overviewShape) return
    this.overviewShape = shape
    const pen = this.pen(canvas, width, height), plot = width - LEFT - RIGHT
    const from = origins[0], to = origins.at(-1), x = row => LEFT + (row - from) / Math.max(1, to - from) * plot
    const shown = close.subarray(from - offset, to - offset + 1)
    let low = Infinity, high = -Infinity
    for (const price of shown) { low = Math.min(low, price); high = Math.max(high, price) }
    const y = price => 18 + (high - price) / (high - low || 1) * (height - 24)
    for (const { name, start, end } of parts) {
      const a = x(Math.max(from, start)), b = x(Math.min(to, end))
      if (b <= a) continue
      pen.fillStyle = c[name]
      pen.globalAlpha = 0.08
      pen.fillRect(a, 0, b - a, height)
      pen.globalAlpha = 1
      pen.textAlign = "center"
      pen.fillText(this.said[name], (a + b) / 2, 12)
    }
    pen.fillStyle = c.predicted
    pen.globalAlpha = 0.18
    const left = x(Math.max(from, this.first))
    pen.fillRect(left, 0, Math.max(3, x(this.origin) - left), height)
    pen.globalAlpha = 1
    line(pen, Array.from(shown, (price, i) => [x(from + i), y(price)]), c.text, 1)
    line(pen, [[x(this.origin), 0], [x(this.origin), height]], c.predicted, 2)
    canvas.setAttribute("aria-label", this.said.overview)
    const slider = this.find("origin"), at = origins.indexOf(this.origin)
    if (document.activeElement !== slider || Number(slider.value) !== at) slider.value = at
    slider.setAttribute("aria-valuetext", this.label(this.origin))
    this.find("when").textContent = this.when()
  }

  drawPrices(width) {
    const { net } = this.data, c = this.colours, pen = this.pen(this.find("prices"), width, PRICES)
    const rows = Array.from({ length: net.window }, (_, t) => this.first + t)
    const own = rows.map(row => this.price(row, false)), now = rows.map(row => this.price(row))
    const before = [...this.forecast(this.base, false)].slice(0, this.ahead)
    const after = [...this.forecast(this.now, true)].slice(0, this.ahead)
    const came = Array.from({ length: this.ahead }, (_, h) => this.data.close[this.origin + h + 1 - this.data.offset])
    if (!this.dragging) { // the axis stands still under the finger
      const all = [...own, ...now, ...before, ...after, ...came.filter(price => price !== undefined)]
      const low = Math.min(...all), high = Math.max(...all), room = 0.06 * (high - low || Math.abs(high) || 1)
      this.scale = [low - room, high + room]
    }
    const [low, high] = this.scale, x = t => this.x(t), y = price => this.priceY(price)
    const ahead = h => x(net.window + h + 1) // a column apart, so that the handle hides nothing
    pen.save()
    pen.beginPath()
    pen.rect(0, 0, width, PRICES - AXIS)
    pen.clip()
    for (const tick of ticks(low, high, 4)) {
      line(pen, [[LEFT, y(tick)], [width - RIGHT, y(tick)]], c.grid, 1)
      pen.fillStyle = c.muted
      pen.textAlign = "right"
      pen.textBaseline = "middle"
      pen.fillText(priceText(tick, high - low), LEFT - 8, y(tick))
    }
    const last = this.price(this.origin)
    line(pen, [[x(net.window - 1), y(last)], [ahead(this.ahead - 1), y(last)]], c.naive, 1.5, [2, 3])
    if (this.prices.size) line(pen, own.map((price, t) => [x(t), y(price)]), c.muted, 1, [4, 3])
    line(pen, now.map((price, t) => [x(t), y(price)]), c.text, 1.5)
    const path = prices => prices.map((price, h) => [ahead(h), y(price)])
    if (this.prices.size) for (const [px, py] of path(before)) dot(pen, px, py, 4, c.surface, c.muted)
    line(pen, [[x(net.window - 1), y(last)], ...path(after)], c.predicted, 2)
    for (const [px, py] of path(after)) dot(pen, px, py, this.ahead > 3 ? 2.5 : 4.5, c.predicted, c.surface)
    came.forEach((price, h) => price !== undefined && dot(pen, ahead(h), y(price), 3.5, c.surface, c.text))
    pen.restore()
    this.drawPointer(pen, 0, PRICES - AXIS)
    this.drawDates(pen, PRICES - AXIS)
    const handle = this.find("handle"), row = this.first + this.at
    handle.style.transform = `translate(${x(this.at)}px, ${y(this.price(row))}px)`
    const share = 100 * (this.price(row) - this.price(row, false)) / (Math.abs(this.price(row, false)) || 1)
    handle.setAttribute("aria-label", this.said.handle)
    handle.setAttribute("aria-valuenow", String(this.price(row)))
    handle.setAttribute("aria-valuetext", `${this.label(row)}: ${this.money(this.price(row))}` +
      (this.prices.has(row) ? `, ${percent(share)}` : ""))
    handle.title = `${this.label(row)}: ${this.money(this.price(row))}`
    this.find("prices").setAttribute("aria-label", this.answerText())
  }

  drawPointer(pen, top, bottom) {
    line(pen, [[this.x(this.at), top], [this.x(this.at), bottom]], this.colours.accent, 1)
  }

  drawDates(pen, top) {
    const { window } = this.data.net, c = this.colours, long = pen.measureText(this.label(this.origin)).width + 8
    const every = Math.max(1, Math.ceil((long + 8) / this.column))
    pen.textBaseline = "top"
    pen.textAlign = "center"
    pen.fillStyle = c.muted
    const edge = long / 2, width = pen.canvas.clientWidth, inside = x => Math.min(width - edge - 2, Math.max(edge, x))
    const pointer = inside(this.x(this.at))
    for (let t = window - 1; t >= 0; t -= every) {
      const x = inside(this.x(t))
      if (x > Math.min(LEFT + 6, edge + 1) && Math.abs(x - pointer) > long) pen.fillText(this.label(this.first + t), x, top + 5)
    }
    pen.fillStyle = c.accent
    pen.fillText(this.label(this.first + this.at), pointer, top + 5)
  }

  // The range of a gate or state: from its last operation, and from the window where that has no bounds
  range(name, told) {
    const { operations, outputs } = this.data.net.program, [kind] = operations[outputs[name]]
    if (kind === "sigmoid" && !this.stretched) return [0, 1]
    if (kind === "tanh" && !this.stretched) return [-1, 1]
    let low = Infinity, high = -Infinity
    for (const value of told[name]) { low = Math.min(low, value); high = Math.max(high, value) }
    if (kind === "sigmoid") return [low, Math.max(high, low + 1e-6)]
    const most = Math.max(-low, high) || 1
    return [-most, most]
  }

  drawMaps(width) {
    const { net } = this.data, told = this.now.layers[this.layer], units = this.units, c = this.colours
    const height = Math.min(120, Math.max(54, Math.ceil(units * 2)))
    this.maps = this.names.map((name, i) => ({ name, top: i * (height + GAP), height }))
    const total = this.names.length * (height + GAP) + AXIS
    const canvas = this.find("maps"), pen = this.pen(canvas, width, total), right = net.window * this.column
    this.image ??= document.createElement("canvas")
    if (this.image.width !== net.window || this.image.height !== units) {
      this.image.width = net.window
      this.image.height = units
    }
    const sketch = this.image.getContext("2d"), pixels = sketch.createImageData(net.window, units)
    const surface = rgb(c.surface), positive = rgb(c.predicted), negative = rgb(c.accent)
    for (const map of this.maps) {
      const values = told[map.name], [low, high] = map.range = this.range(map.name, told)
      for (let row = 0; row < units; row++) {
        const unit = this.order[row]
        for (let t = 0; t < net.window; t++) {
          const value = values[t * units + unit]
          const share = Math.min(1, low < 0 ? Math.abs(value) / high : (value - low) / (high - low))
          const end = value < 0 ? negative : positive, at = 4 * (row * net.window + t)
          for (let k = 0; k < 3; k++) pixels.data[at + k] = surface[k] + (end[k] - surface[k]) * share
          pixels.data[at + 3] = 255
        }
      }
      sketch.putImageData(pixels, 0, 0)
      pen.imageSmoothingEnabled = this.column < 1
      pen.drawImage(this.image, LEFT, map.top, right, height)
      pen.strokeStyle = c.grid
      pen.lineWidth = 1
      pen.strokeRect(LEFT + 0.5, map.top + 0.5, right - 1, height - 1)
      pen.textAlign = "right"
      pen.textBaseline = "top"
      pen.fillStyle = c.text
      pen.fillText(map.name, LEFT - 6, map.top)
      const bar = 50, gradient = pen.createLinearGradient(LEFT - 6 - bar, 0, LEFT - 6, 0)
      if (low < 0) gradient.addColorStop(0, c.accent)
      gradient.addColorStop(low < 0 ? 0.5 : 0, c.surface)
      gradient.addColorStop(1, c.predicted)
      pen.fillStyle = gradient
      pen.fillRect(LEFT - 6 - bar, map.top + 17, bar, 7)
      pen.strokeRect(LEFT - 6 - bar + 0.5, map.top + 17.5, bar - 1, 6)
      pen.fillStyle = c.muted
      pen.font = `10px ${this.font}`
      pen.textAlign = "left"
      if (low !== -high) pen.fillText(short(low), LEFT - 6 - bar, map.top + 27)
      pen.textAlign = "right"
      pen.fillText(low === -high ? `± ${short(high)}` : short(high), LEFT - 6, map.top + 27)
      pen.font = `12px ${this.font}`
      const row = this.order.indexOf(this.shownUnit), y = map.top + (row + 0.5) / units * height
      line(pen, [[LEFT, y], [LEFT + right, y]], c.text, 1, [1, 2])
      dot(pen, this.x(this.at), y, 3.5, c.surface, c.accent)
      this.drawPointer(pen, map.top, map.top + height)
    }
    this.drawDates(pen, total - AXIS - GAP / 2)
    canvas.setAttribute("aria-label", this.said.maps)
    canvas.setAttribute("aria-valuenow", String(this.at))
    canvas.setAttribute("aria-valuetext", `${this.said.at} ${this.shownUnit + 1}, ${this.label(this.first + this.at)}: ` +
      this.names.map(name => `${name} ${figure(told[name][this.at * units + this.shownUnit])}`).join(", "))
  }

  drawCurves() {
    const { net } = this.data, told = this.now.layers[this.layer], units = this.units, unit = this.shownUnit, c = this.colours
    const canvas = this.find("curves"), width = canvas.parentElement.clientWidth
    const isGate = name => this.range(name, told)[0] >= 0
    const groups = [this.names.filter(isGate), this.names.filter(name => !isGate(name))].filter(group => group.length)
    const height = groups.length * (CURVES + 24) + AXIS, pen = this.pen(canvas, width, height)
    const wide = this.column
    this.column = (width - LEFT - RIGHT) / net.window
    groups.forEach((names, g) => {
      const top = g * (CURVES + 24) + 20
      let [low, high] = this.stretched ? [Infinity, -Infinity] : [g === 0 && groups.length > 1 ? 0 : -1, 1]
      for (const name of names) {
        for (let t = 0; t < net.window; t++) {
          low = Math.min(low, told[name][t * units + unit])
          high = Math.max(high, told[name][t * units + unit])
        }
      }
      const y = value => top + (high - value) / (high - low || 1) * CURVES
      for (const tick of ticks(low, high, 3)) {
        line(pen, [[LEFT, y(tick)], [width - RIGHT, y(tick)]], c.grid, 1)
        pen.fillStyle = c.muted
        pen.textAlign = "right"
        pen.textBaseline = "middle"
        pen.fillText(short(tick), LEFT - 8, y(tick))
      }
      let x = LEFT
      for (const name of names) {
        const at = this.names.indexOf(name), colour = this.colourOf(name)
        const before = this.prices.size && this.base.layers[this.layer][name]
        if (before) {
          pen.globalAlpha = 0.4
          line(pen, Array.from({ length: net.window }, (_, t) => [this.x(t), y(before[t * units + unit])]), colour, 1, [2, 3])
          pen.globalAlpha = 1
        }
        line(pen, Array.from({ length: net.window }, (_, t) => [this.x(t), y(told[name][t * units + unit])]), colour, 1.8, DASHES[at % 6])
        dot(pen, this.x(this.at), y(told[name][this.at * units + unit]), 3, colour, c.surface)
        line(pen, [[x, top - 12], [x + 18, top - 12]], colour, 2, DASHES[at % 6])
        pen.fillStyle = colour
        pen.textAlign = "left"
        pen.textBaseline = "middle"
        pen.fillText(name, x + 22, top - 12)
        x += 32 + pen.measureText(name).width
      }
      this.drawPointer(pen, top, top + CURVES)
    })
    this.drawDates(pen, height - AXIS)
    this.column = wide
    canvas.setAttribute("aria-label", `${this.said.curves} ${unit + 1}`)
    const field = this.find("unit")
    if (document.activeElement !== field) field.value = unit + 1
  }

  colourOf(name) {
    const c = this.colours
    return [c.train, c.validation, c.test, c.accent, c.predicted, c.text][this.names.indexOf(name) % 6]
  }

  money(price) {
    const { currency } = this.data
    return priceText(price) + (currency ? ` ${currency}` : "")
  }

  answerText() {
    const [price] = this.forecast(this.now, true), last = this.price(this.origin), { one } = this.data
    const came = this.data.close[this.origin + 1 - this.data.offset]
    return `The forecast for the ${one} after ${this.label(this.origin)} is ${this.money(price)}, the last price ` +
      `${this.money(last)}` + (came === undefined ? "." : `, and ${this.money(came)} came.`)
  }

  writeAnswer() {
    const { net, linear, one } = this.data, [price] = this.forecast(this.now, true), last = this.price(this.origin)
    const came = this.data.close[this.origin + 1 - this.data.offset]
    const cells = [[this.said.forecast, this.money(price), percent(100 * (price - last) / (Math.abs(last) || 1))],
      [this.said.naive, this.money(last), ""], [this.said.came, came === undefined ? "–" : this.money(came), ""]]
    this.find("answer").innerHTML = `<dl>${cells.map(([name, value, more]) =>
      `<div><dt>${escape(name)}</dt><dd>${escape(value)}${more && ` <small>${more}</small>`}</dd></div>`).join("")}</dl>` +
      `<p class="sum">${this.outputEquation()}</p>`
    this.find("changed").textContent = this.changedWords()
    this.node.querySelector("[data-do=reset]").disabled = !this.prices.size
  }

  // From the last hidden state to a price, with the numbers in it
  outputEquation() {
    const { net } = this.data, { target, scale, centre } = this.data.net.encoder
    const network = this.now.network[0], sum = this.now.outputs[0], last = this.price(this.origin), [price] = this.forecast(this.now, true)
    // So many decimals that whoever multiplies the numbers that are shown gets the price to its last digit.
    const size = target === "log_return" ? Math.abs(last) : 10 * scale
    const shown = priceDigits(price), digits = Math.min(12, Math.max(4, shown + 1, shown + Math.ceil(Math.log10(size || 1))))
    const exact = value => small(value, digits)
    const parts = net.linear ? `${exact(network)} + ${bracketed(exact(this.now.linear[0]))} = ${exact(sum)}` : exact(sum)
    const name = net.linear ? `${this.said.network} + ${this.said.linear}` : this.said.network
    const way = target === "log_return" ? `${priceText(last)} · e<sup>${exact(sum)} · ${exact(scale)}</sup>`
      : target === "change" ? `${priceText(last)} + ${bracketed(exact(sum))} · ${exact(scale)}`
        : `${exact(sum)} · ${exact(scale)} + ${bracketed(exact(centre))}`
    return `${escape(name)}: ${parts}<br>${escape(this.said.price)}: ${way} = ${escape(priceText(price))}`
  }

  changedWords() {
    if (!this.prices.size) return this.data.fixed || `${this.said.drag} ${this.data.others}`.trim()
    const rows = [...this.prices.keys()].sort((a, b) => a - b), shown = rows.slice(-2)
    const moves = shown.map(row => {
      const own = this.price(row, false), share = 100 * (this.price(row) - own) / (Math.abs(own) || 1)
      return `${this.label(row)} ${percent(share)} (${priceText(own)} to ${priceText(this.price(row))})`
    })
    const [was] = this.forecast(this.base, false), [is] = this.forecast(this.now, true)
    const own = this.price(this.origin, false), moved = this.price(this.origin) - own
    const told = this.now.layers[this.layer], before = this.base.layers[this.layer], { units } = this
    let most = { by: -1 }
    for (const name of this.names) {
      for (let i = 0; i < told[name].length; i++) {
        const by = Math.abs(told[name][i] - before[name][i])
        if (by > most.by) most = { by, name, unit: i % units, step: Math.floor(i / units), is: told[name][i], was: before[name][i] }
      }
    }
    const more = rows.length > shown.length ? ` and ${rows.length - shown.length} more` : ""
    return `Changed: ${moves.join("; ")}${more}. The forecast went from ${priceText(was)} to ${this.money(is)}, ` +
      `${percent(100 * (is - was) / (Math.abs(was) || 1))}` +
      (moved ? `; ${percent(100 * moved / (Math.abs(own) || 1))} of that is the last price itself, from which it starts` : "") +
      `. The network's output went from ${number(this.base.network[0])} to ${number(this.now.network[0])}` +
      (this.data.net.linear ? `, the linear part's from ${number(this.base.linear[0])} to ${number(this.now.linear[0])}` : "") +
      `. In layer ${this.layer + 1}, unit ${most.unit + 1} moved most: its ${most.name} on ${this.label(this.first + most.step)} ` +
      `went from ${number(most.was)} to ${number(most.is)}.`
  }

  writeEquations() {
    const { net } = this.data, told = this.now.layers[this.layer], t = this.at, unit = this.shownUnit
    this.find("at").textContent = `${this.said.at} ${unit + 1}, ${this.label(this.first + t)}`
    const values = net.at(told, this.layer, t, unit)
    const open = [...this.find("equations").querySelectorAll("details[open]")].map(one => one.dataset.gate)
    const place = this.find("equations"), shape = `${this.id} ${this.layer}`
    if (place.dataset.shape !== shape) {
      place.dataset.shape = shape
      place.innerHTML = this.names.map(name => {
        const gate = net.gates.includes(name)
        return `<div class="equation" style="border-color: ${this.colourOf(name)}"><div class="symbols">${this.symbols(name)}</div>` +
          `<div class="numbers"></div>` + (gate ? `<details data-gate="${name}"><summary>${escape(this.said.terms)}</summary>` +
          `<div class="terms"></div></details>` : "") + `</div>`
      }).join("")
      for (const one of place.querySelectorAll("details")) one.addEventListener("toggle", () => this.redraw())
    }
    this.names.forEach((name, i) => {
      const box = place.children[i]
      box.style.borderColor = this.colourOf(name)
      box.querySelector(".numbers").innerHTML = this.numbers(name, values)
      const terms = box.querySelector("details[open] .terms")
      if (terms) terms.innerHTML = this.terms(net.gates.indexOf(name), t, unit, told)
    })
    return open
  }

  // The right-hand side of an operation; leaf: what stands for an operation that is not to be opened, or undefined
  written(at, leaf, top = true) {
    if (!top) {
      const found = leaf(at)
      if (found !== undefined) return found
    }
    const [kind, a, b] = this.data.net.program.operations[at]
    const bare = text => /^\([^()]*\)$/.test(text) ? text.slice(1, -1) : text // a sign needs no brackets at the beginning
    const part = (number, tight) => {
      const text = this.written(number, leaf, false), inner = this.data.net.program.operations[number][0]
      return tight && (inner === "add" || inner === "subtract") && leaf(number) === undefined ? `(${text})` : text
    }
    if (kind === "add") return `${bare(part(a))} + ${part(b)}`
    if (kind === "subtract") return `${bare(part(a))} ${MINUS} ${part(b, true)}`
    if (kind === "multiply") return `${part(a, true)} · ${part(b, true)}`
    if (kind === "divide") return `${part(a, true)} / ${part(b, true)}`
    if (kind === "input" || kind === "state" || kind === "before" || kind === "constant") return leaf(at) ?? String(a)
    return `${kind === "sigmoid" ? "σ" : kind}(${[a, b].filter(one => one !== undefined).map(one => bare(part(one))).join(", ")})`
  }

  symbols(name) {
    const { net, letters, recurrent: letter } = this.data, { operations, outputs } = net.program
    const named = Object.fromEntries(Object.entries(outputs).filter(([other]) => letters[other]).map(([other, at]) => [at, other]))
    const sub = gate => net.gates.length > 1 ? `<sub>${letters[net.gates[gate]]}</sub>` : ""
    const x = this.layer ? `<i>h</i><sub>t</sub><sup>(${this.layer})</sup>` : "<i>x</i><sub>t</sub>"
    const leaf = at => {
      const [kind, which] = operations[at]
      if (kind === "input") return `<i>W</i>${sub(which)} ${x} + <i>b</i>${sub(which)}`
      if (kind === "state") {
        const recurrent = `<i>${letter}</i>${sub(which)} <i>${letters[net.reads]}</i><sub>t−1</sub>`
        return net.recurrent_bias ? `(${recurrent} + <i>b′</i>${sub(which)})` : recurrent
      }
      if (kind === "before") return `<i>${letters[which]}</i><sub>t−1</sub>`
      return named[at] && named[at] !== name ? `<i>${letters[named[at]]}</i><sub>t</sub>` : undefined
    }
    return `<i>${letters[name]}</i><sub>t</sub> = ${this.written(outputs[name], leaf)} <span class="name">${escape(name)}</span>`
  }

  numbers(name, values) {
    const { operations, outputs } = this.data.net.program
    const named = new Set(Object.values(outputs)), own = outputs[name]
    const leaf = at => {
      const [kind] = operations[at]
      const stops = ["input", "state", "before", "constant"].includes(kind) || (named.has(at) && at !== own)
      return stops ? signed(values[at]) : undefined
    }
    const [kind, inner] = operations[own]
    const middle = (kind === "sigmoid" || kind === "tanh") && leaf(inner) === undefined
      ? ` = ${kind === "sigmoid" ? "σ" : kind}(${number(values[inner])})` : ""
    return `= ${this.written(own, leaf)}${middle} = <b>${number(values[own])}</b>`
  }

  // The products behind what the input and the state contribute to a gate, the largest first
  terms(gate, t, unit, told) {
    const { net } = this.data, { units, inputs, kernel, recurrent, bias } = net.layers[this.layer]
    const width = net.gates.length * units, column = gate * units + unit
    const below = this.layer ? this.now.layers[this.layer - 1].hidden : null, all = this.inputs(true)
    const side = (count, weight, value, label, constant) => {
      const rows = Array.from({ length: count }, (_, k) => ({ w: weight(k), v: value(k), label: label(k) }))
      rows.sort((a, b) => Math.abs(b.w * b.v) - Math.abs(a.w * a.v))
      const sum = rows.reduce((total, { w, v }) => total + w * v, constant)
      return `<table><tbody>${rows.map(({ w, v, label: name }) =>
        `<tr><td>${escape(name)}</td><td>${number(w)} · ${signed(v)}</td><td>${number(w * v)}</td></tr>`).join("")}` +
        `<tr><td>bias</td><td></td><td>${number(constant)}</td></tr><tr class="total"><td>sum</td><td></td>` +
        `<td>${number(sum)}</td></tr></tbody></table>`
    }
    const value = k => below ? below[t * inputs + k] : all[(net.length - net.window + t) * net.channels + k]
    const name = k => below ? `${this.said.below} ${k + 1}` : this.data.channels[k]
    return side(inputs, k => kernel[k * width + column], value, name, bias[column]) +
      side(units, k => recurrent[k * width + column], k => t ? told[net.reads][(t - 1) * units + k] : 0,
        k => `${net.reads} ${k + 1}, ${this.said.before}`, net.recurrent_bias ? bias[width + column] : 0)
  }
}

// A network and its rows, made ready once
function prepare(data) {
  const net = new Network(data)
  const { dates, start } = data
  return { ...data, net, place: data.close, close: decode(data.prices, Float64Array), encoded: decode(data.inputs),
    origins: dates.map((_, i) => start + i) }
}

function line(pen, points, colour, width, dash = []) {
  pen.beginPath()
  points.forEach(([x, y], i) => i ? pen.lineTo(x, y) : pen.moveTo(x, y))
  pen.strokeStyle = colour
  pen.lineWidth = width
  pen.setLineDash(dash)
  pen.stroke()
  pen.setLineDash([])
}

function dot(pen, x, y, radius, fill, edge) {
  pen.beginPath()
  pen.arc(x, y, radius, 0, 2 * Math.PI)
  pen.fillStyle = fill
  pen.fill()
  pen.strokeStyle = edge
  pen.lineWidth = 1.5
  pen.stroke()
}

// Round numbers between two values
function ticks(low, high, count) {
  const rough = (high - low) / count, power = 10 ** Math.floor(Math.log10(rough))
  const step = power * ([1, 2, 5, 10].find(one => one * power >= rough) ?? 10), found = []
  for (let tick = Math.ceil(low / step) * step; tick <= high + step * 1e-9; tick += step) found.push(Math.abs(tick) < step / 1e6 ? 0 : tick)
  return found
}

const rgb = colour => [1, 3, 5].map(at => parseInt(colour.slice(at, at + 2), 16))
const separated = text => text.replace(/^(\d+)/, whole => whole.replace(/\B(?=(\d{3})+$)/g, THIN))
const fixed = (value, digits) => {
  const text = separated(Math.abs(value).toFixed(digits))
  return value < 0 && /[1-9]/.test(text) ? MINUS + text : text
}
const number = value => Math.abs(value) >= 1000 ? fixed(value, 1) : fixed(value, 4)
const bracketed = text => text.startsWith(MINUS) ? `(${text})` : text
const signed = value => bracketed(number(value))
const figure = value => fixed(value, 2)
const small = (value, digits) => value === 0 ? "0" : fixed(value, Math.abs(value) >= 0.01 ? digits
  : Math.min(20, Math.max(digits, 3 - Math.floor(Math.log10(Math.abs(value))))))
const short = value => {
  const text = String(Number(Math.abs(value) < 0.01 ? value.toPrecision(1) : value.toFixed(Math.abs(value) < 10 ? 2 : 0)))
  return text.startsWith("-") ? MINUS + text.slice(1) : text
}
const percent = value => { const text = fixed(value, Math.abs(value) < 0.1 && value ? 4 : 2); return `${/[1-9]/.test(text) && value > 0 ? "+" : ""}${text}\u00a0%` }
const escape = text => String(text).replace(/[&<>"]/g, letter => `&#${letter.charCodeAt(0)};`)

// As `forecasting.words.price`; spread: of the axis that it stands on, or undefined
function priceDigits(price) {
  const size = Math.abs(price)
  return !size || size >= 1 ? 2 : Math.min(12, 3 - Math.floor(Math.log10(size)))
}

function priceText(price, spread) {
  return fixed(price, spread >= 20 ? 0 : priceDigits(spread ?? price))
}

function save(blob, name) {
  const link = document.createElement("a")
  link.href = URL.createObjectURL(blob)
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
}

export default function ({ data, parentElement, setStateValue }) {
  const figure = parentElement.insideFigure = parentElement.insideFigure || new InsideFigure(parentElement)
  figure.show(data, view => setStateValue("view", view))
  return () => figure.end()
}
