// A Plotly chart that keeps its element while its figure changes: see `live_chart.py`.
const LIBRARY = "_stcore/bidi-components/plotly.library/plotly.min.js"
let loading

function plotly() {
  loading = loading || new Promise((resolve, reject) => {
    const script = document.createElement("script")
    script.src = LIBRARY
    script.onload = () => resolve(window.Plotly)
    script.onerror = () => {
      script.remove()
      loading = undefined // the next change of the figure tries again
      reject(new Error("The chart library did not load."))
    }
    document.head.append(script)
  })
  return loading
}

class LiveChart {
  constructor(parent) {
    this.node = document.createElement("div")
    this.node.className = "live-chart"
    this.node.setAttribute("role", "figure")
    this.node.style.overflow = "hidden"
    parent.append(this.node)
    this.watcher = new ResizeObserver(() => { if (this.node.clientWidth !== this.width) this.draw() })
  }

  show({ figure, config, words }) {
    this.figure = figure
    this.config = config
    this.node.setAttribute("aria-label", words)
    this.node.style.height = `${JSON.parse(figure).layout.height}px` // nothing moves when the library arrives
    this.draw()
    this.watcher.observe(this.node)
  }

  async draw() {
    const Plotly = await plotly()
    if (!this.node.isConnected || !this.node.clientWidth) return
    // Parsed each time: Plotly writes the zoom into the layout that it is given, and would take it for the figure's own.
    const { data, layout } = JSON.parse(this.figure)
    this.width = layout.width = this.node.clientWidth
    await Plotly.react(this.node, data, layout, this.config)
  }

  end() {
    this.watcher.disconnect()
    if (window.Plotly) window.Plotly.purge(this.node)
  }
}

export default function ({ data, parentElement }) {
  const chart = parentElement.liveChart = parentElement.liveChart || new LiveChart(parentElement)
  chart.show(data)
  return () => chart.end()
}
