// A recurrent network's forward pass from its saved weights: see `forecasting.model.cells` for the cells, whose equations come
// here as lists of operations (`program_of`), and `forecasting.model.encoding` for the way from prices to inputs and back.

const TINY = 2.2250738585072014e-308 // the smallest normal double, as in `Encoder.level`

const UNARY = {
  sigmoid: z => 0.5 + 0.5 * Math.tanh(0.5 * z), tanh: Math.tanh, exp: Math.exp, log: Math.log, abs: Math.abs,
}
const BINARY = {
  add: (a, b) => a + b, subtract: (a, b) => a - b, multiply: (a, b) => a * b, divide: (a, b) => a / b,
  maximum: Math.max, minimum: Math.min,
}

// Numbers that came as base64, little-endian. kind: Float32Array or Float64Array
export function decode({ data }, kind = Float32Array) {
  return new kind(Uint8Array.from(atob(data), letter => letter.charCodeAt(0)).buffer)
}

const clip = (value, bound) => Math.min(bound, Math.max(-bound, value))

export class Network {
  // data: as `forecasting.inside.browser.export_network` makes it, with the cell's `program`
  constructor(data) {
    const { gates, states, reads, recurrent_bias, program, encoder, window, length, horizon, channels } = data
    Object.assign(this, { gates, states, reads, recurrent_bias, program, encoder, window, length, horizon })
    this.channels = channels.length
    this.layers = data.layers.map(layer => ({
      inputs: layer.kernel.shape[0], units: layer.units, kernel: decode(layer.kernel),
      recurrent: decode(layer.recurrent_kernel), bias: decode(layer.bias),
    }))
    this.head = { kernel: decode(data.head.kernel), bias: decode(data.head.bias) }
    this.linear = data.linear === null ? null : decode(data.linear)
    this.names = [...new Set([...gates, ...states])]
  }

  // Every gate and state at every step, and the outputs. inputs: (length, channels), oldest first; since: the first step whose
  // inputs differ from those that gave `earlier`
  // Returns layers: a list of {name: (steps, units)}, with what the input and the state contribute to the gates as
  // `from_input` and `from_state` (steps, gates * units); network, linear, outputs: (horizon) each
  forward(inputs, since = 0, earlier = null) {
    let x = inputs.subarray((this.length - this.window) * this.channels)
    const layers = []
    this.layers.forEach((layer, number) => {
      const told = this.forwardLayer(layer, x, since, earlier?.layers[number])
      layers.push(told)
      x = told.hidden
    })
    const network = new Float64Array(this.horizon), linear = new Float64Array(this.horizon)
    const top = this.layers.at(-1).units, last = x.subarray((this.window - 1) * top)
    for (let h = 0; h < this.horizon; h++) {
      let sum = this.head.bias[h]
      for (let u = 0; u < top; u++) sum += last[u] * this.head.kernel[u * this.horizon + h]
      network[h] = sum
    }
    if (this.linear) {
      for (let i = 0; i < inputs.length; i++) {
        if (inputs[i] !== 0) for (let h = 0; h < this.horizon; h++) linear[h] += inputs[i] * this.linear[i * this.horizon + h]
      }
    }
    return { layers, network, linear, outputs: network.map((value, h) => value + linear[h]) }
  }

  forwardLayer({ inputs, units, kernel, recurrent, bias }, x, since, earlier) {
    const { gates, states, reads, recurrent_bias: apart, program: { operations, outputs } } = this
    const width = gates.length * units, steps = this.window
    const told = { from_input: new Float64Array(steps * width), from_state: new Float64Array(steps * width) }
    for (const name of Object.keys(outputs)) told[name] = new Float64Array(steps * units)
    const before = Object.fromEntries(states.map(name => [name, new Float64Array(units)]))
    const values = operations.map(([kind, value]) => {
      if (kind === "before") return before[value]
      return new Float64Array(units).fill(kind === "constant" ? value : 0)
    })
    if (since > 0) {
      for (const [name, values] of Object.entries(told)) values.set(earlier[name].subarray(0, since * values.length / steps))
      for (const name of states) before[name].set(told[name].subarray((since - 1) * units, since * units))
    }
    for (let t = since; t < steps; t++) {
      const fromInput = told.from_input.subarray(t * width, (t + 1) * width)
      const fromState = told.from_state.subarray(t * width, (t + 1) * width)
      for (let j = 0; j < width; j++) fromInput[j] = bias[j]
      if (apart) for (let j = 0; j < width; j++) fromState[j] = bias[width + j]
      multiplyAdd(fromInput, x, t * inputs, inputs, kernel, width)
      if (t > 0) multiplyAdd(fromState, before[reads], 0, units, recurrent, width)
      operations.forEach(([kind, a, b], at) => {
        const out = values[at]
        if (kind === "input" || kind === "state") {
          out.set((kind === "input" ? fromInput : fromState).subarray(a * units, (a + 1) * units))
        } else if (kind in UNARY) {
          const work = UNARY[kind], one = values[a]
          for (let u = 0; u < units; u++) out[u] = work(one[u])
        } else if (kind === "multiply") { // written out, since most operations are these two
          const one = values[a], two = values[b]
          for (let u = 0; u < units; u++) out[u] = one[u] * two[u]
        } else if (kind === "add") {
          const one = values[a], two = values[b]
          for (let u = 0; u < units; u++) out[u] = one[u] + two[u]
        } else if (kind in BINARY) {
          const work = BINARY[kind], one = values[a], two = values[b]
          for (let u = 0; u < units; u++) out[u] = work(one[u], two[u])
        }
      })
      for (const [name, at] of Object.entries(outputs)) told[name].set(values[at], t * units)
      for (const name of states) before[name].set(values[outputs[name]])
    }
    return told
  }

  // The cell's operations for one unit at one step: a list of plain numbers, by the number of the operation
  at(told, layer, t, unit) {
    const { units } = this.layers[layer], width = this.gates.length * units
    const values = []
    for (const [kind, a, b] of this.program.operations) {
      values.push(
        kind === "input" ? told.from_input[t * width + a * units + unit]
          : kind === "state" ? told.from_state[t * width + a * units + unit]
            : kind === "before" ? (t ? told[a][(t - 1) * units + unit] : 0)
              : kind === "constant" ? a
                : kind in UNARY ? UNARY[kind](values[a]) : BINARY[kind](values[a], values[b]))
    }
    return values
  }

  level(price) {
    return this.encoder.target === "log_return" ? Math.log(Math.max(price, TINY)) : price
  }

  // What the input Close is at a row. before: the price of the row before, or null at the start of the history
  encode(price, before) {
    const { target, centre, scale, clip: bound, largest_scaled } = this.encoder
    if (target === "price") return clip((price - centre) / scale, largest_scaled)
    return before === null ? 0 : clip((this.level(price) - this.level(before)) / scale, bound)
  }

  // The prices that outputs (horizon) stand for, from the last known price
  prices(outputs, last) {
    const { target, positive, centre, scale, most_exponent, least_share } = this.encoder
    return Float64Array.from(outputs, (output, step) => {
      const move = output * scale * Math.sqrt(step + 1)
      if (target === "log_return") return last * Math.exp(clip(move, most_exponent))
      const price = target === "price" ? output * scale + centre : last + move
      return positive && last > 0 ? Math.max(price, least_share * last) : price
    })
  }
}

// sums (width) += values[start .. start + count] @ matrix (count, width)
function multiplyAdd(sums, values, start, count, matrix, width) {
  let i = 0
  for (; i + 3 < count; i += 4) { // four rows at a time: half of the time went into reading and writing the sums
    const a = values[start + i], b = values[start + i + 1], c = values[start + i + 2], d = values[start + i + 3]
    const first = i * width, second = first + width, third = second + width, fourth = third + width
    for (let j = 0; j < width; j++) {
      sums[j] += a * matrix[first + j] + b * matrix[second + j] + c * matrix[third + j] + d * matrix[fourth + j]
    }
  }
  for (; i < count; i++) {
    const value = values[start + i], row = i * width
    for (let j = 0; j < width; j++) sums[j] += value * matrix[row + j]
  }
}
