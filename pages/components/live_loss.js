// The loss chart while a training goes on: the same drawing for as long as it is watched, so that zoom and hover stay.
// Streamlit calls this for every change of `data`: see `live_loss.py`.
const HEIGHT = 360, LEFT = 64, RIGHT = 12, TOP = 66, BOTTOM = 46
const escaped = text => String(text).replace(/[&<>"]/g, letter => `&#${letter.charCodeAt(0)};`)

function ticks(low, high, most) {
  const rough = (high - low) / most, power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].map(one => one * power).find(one => one >= rough)
  const found = []
  for (let at = Math.ceil(low / step) * step; at <= high + step * 1e-9; at += step) found.push(Number(at.toPrecision(12)))
  return found
}

const plain = value => value === 0 || (Math.abs(value) >= 1e-3 && Math.abs(value) < 1e5)
const shown = value => plain(value) ? String(Number(value.toPrecision(4))) : value.toExponential(2)
const grouped = value => Math.round(value).toString().replace(/\B(?=(\d{3})+$)/g, "\u202f")

class LossChart {
  constructor(parent) {
    this.svg = document.createElementNS("http://www.w3.org/2000/svg", "svg")
    this.svg.classList.add("live-loss")
    this.svg.setAttribute("role", "img")
    parent.append(this.svg)
    this.zoom = this.drag = this.pointed = null
    this.watcher = new ResizeObserver(() => this.draw())
    this.watcher.observe(parent)
    const at = event => this.epoch(event.clientX - this.svg.getBoundingClientRect().left)
    this.svg.addEventListener("pointerdown", event => {
      this.drag = [at(event), at(event)]
      this.svg.setPointerCapture(event.pointerId)
    })
    this.svg.addEventListener("pointermove", event => {
      this.pointed = at(event)
      if (this.drag) this.drag[1] = this.pointed
      this.draw()
    })
    this.svg.addEventListener("pointerup", () => {
      if (this.drag) {
        const [low, high] = this.drag.slice().sort((one, other) => one - other)
        if (high - low > (this.range[1] - this.range[0]) / 50) this.zoom = [low, high]
      }
      this.drag = null
      this.draw()
    })
    this.svg.addEventListener("pointercancel", () => { this.drag = null })
    this.svg.addEventListener("pointerleave", () => { this.pointed = null; this.draw() })
    this.svg.addEventListener("dblclick", () => { this.zoom = null; this.draw() })
  }

  epoch(x) {
    const [low, high] = this.range, share = (x - LEFT) / (this.width - LEFT - RIGHT)
    return low + Math.min(1, Math.max(0, share)) * (high - low)
  }

  draw() {
    const { epochs, loss, val_loss: validation, best, last, log, words, colours: c } = this.data
    this.width = Math.max(260, this.svg.parentElement.clientWidth)
    const room = (last - 1) * 0.02
    this.range = this.zoom || [1 - room, last + room]
    const [first, end] = this.range, scale = value => log ? Math.log10(value) : value
    const seen = epochs.map((epoch, i) => i).filter(i => epochs[i] >= first && epochs[i] <= end)
    const values = seen.flatMap(i => [loss[i], validation[i]]).filter(value => value !== null && (value > 0 || !log)).map(scale)
    let low = values.length ? Math.min(...values) : log ? -2 : 0, high = values.length ? Math.max(...values) : log ? 0 : 1
    const margin = (high - low || Math.abs(high) || 1) * 0.06
    low -= margin
    high += margin
    const x = epoch => LEFT + (epoch - first) / (end - first) * (this.width - LEFT - RIGHT)
    const y = value => TOP + (high - scale(value)) / (high - low) * (HEIGHT - TOP - BOTTOM)
    const bottom = HEIGHT - BOTTOM, right = this.width - RIGHT
    const line = losses => {
      let path = "", pen = "M"
      epochs.forEach((epoch, i) => {
        if (losses[i] === null || (log && losses[i] <= 0)) pen = "M"
        else { path += `${pen}${x(epoch).toFixed(1)} ${y(losses[i]).toFixed(1)}`; pen = "L" }
      })
      return path
    }
    const text = (left, top, said, anchor, more = "") =>
      `<text x="${left}" y="${top}" text-anchor="${anchor}" fill="${c.muted}" ${more}>${escaped(said)}</text>`
    const key = (left, said, dash, width, colour) =>
      `<path d="M${left} 42h26" stroke="${colour}" stroke-width="${width}" stroke-dasharray="${dash}"/>`
      + `<text x="${left + 32}" y="46" fill="${c.text}">${said}</text>`
    const across = ticks(low, high, 5).map(at => `<path d="M${LEFT} ${y(log ? 10 ** at : at)}H${right}" stroke="${c.grid}"/>`
      + text(LEFT - 6, y(log ? 10 ** at : at) + 4, log ? shown(10 ** at) : shown(at), "end")).join("")
    const along = ticks(first, end, Math.min(7, this.width / 90)).filter(at => Number.isInteger(at) && at >= 0)
      .map(at => text(x(at), bottom + 18, grouped(at), "middle")).join("")
    const of = epochs.indexOf(best)
    const diamond = of < 0 || validation[of] === null ? "" : `<path d="M${x(best)} ${y(validation[of]) - 7}l7 7-7 7-7-7z" `
      + `fill="${c.validation}" stroke="${c.text}" stroke-width="2"/>`
    const name = log ? "Loss, log scale" : "Loss"
    this.svg.setAttribute("width", this.width)
    this.svg.setAttribute("height", HEIGHT)
    this.svg.setAttribute("aria-label", words)
    this.svg.dataset.points = epochs.length
    this.svg.dataset.range = this.range.map(Math.round).join(" ")
    this.svg.innerHTML = `<clipPath id="live-loss-plot"><path d="M${LEFT} ${TOP - 8}H${right}V${bottom}H${LEFT}z"/></clipPath>`
      + `<text x="0" y="18" class="title" fill="${c.text}">Loss by epoch</text>`
      + key(0, "Training", "6 4", 1.5, c.train) + key(120, "Validation", "", 2, c.validation)
      + (this.zoom ? text(right, 18, "Double click: all epochs", "end") : "")
      + across + along + `<path d="M${LEFT} ${bottom}H${right}" stroke="${c.muted}" stroke-opacity="0.5"/>`
      + text((LEFT + right) / 2, HEIGHT - 6, "Epoch", "middle")
      + text(12, (TOP + bottom) / 2, name, "middle", `transform="rotate(-90 12 ${(TOP + bottom) / 2})"`)
      + `<g clip-path="url(#live-loss-plot)" fill="none"><path d="${line(loss)}" stroke="${c.train}" stroke-width="1.5" `
      + `stroke-dasharray="6 4"/><path d="${line(validation)}" stroke="${c.validation}" stroke-width="2"/>${diamond}</g>`
      + this.selection(x, bottom, c) + this.hover(x, bottom, c)
  }

  selection(x, bottom, c) {
    if (!this.drag) return ""
    const [from, to] = this.drag.map(x).sort((one, other) => one - other)
    return `<path d="M${from} ${TOP}H${to}V${bottom}H${from}z" fill="${c.muted}" fill-opacity="0.2"/>`
  }

  hover(x, bottom, c) {
    const { epochs, loss, val_loss: validation } = this.data
    if (this.pointed === null || !epochs.length) return ""
    const i = epochs.reduce((near, epoch, j) =>
      Math.abs(epoch - this.pointed) < Math.abs(epochs[near] - this.pointed) ? j : near, 0)
    if (epochs[i] < this.range[0] || epochs[i] > this.range[1]) return ""
    const lines = [`Epoch ${grouped(epochs[i])}`, ...[["Training", loss[i]], ["Validation", validation[i]]]
      .filter(([, value]) => value !== null).map(([what, value]) => `${what} ${shown(value)}`)]
    const at = x(epochs[i]), wide = 150, left = at + 12 + wide > this.width ? at - 12 - wide : at + 12
    return `<path d="M${at} ${TOP}V${bottom}" stroke="${c.muted}" stroke-dasharray="2 2"/><g class="hover">`
      + `<rect x="${left}" y="${TOP}" width="${wide}" height="${18 * lines.length + 10}" rx="4" fill="${c.surface}" `
      + `stroke="${c.muted}" stroke-opacity="0.5"/>`
      + lines.map((said, j) => `<text x="${left + 8}" y="${TOP + 19 + 18 * j}" fill="${c.text}">${said}</text>`).join("")
      + "</g>"
  }
}

export default function ({ data, parentElement }) {
  const chart = parentElement.lossChart = parentElement.lossChart || new LossChart(parentElement)
  chart.data = data
  chart.draw()
}
