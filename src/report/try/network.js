/* The network's forward pass, with the functions of src/model/classifier_float.c.in: images are (rows,
 * columns, channels), and the units of a weight follow each other. Sizes are in their order there. */

/* out (units) = bias + in (inputs) x weight (inputs, units), without the products with 0. */
function dense(layer, input, out) {
    const {weights} = layer, units = out.length;
    out.set(layer.biases);
    for (let i = 0; i < input.length; i++) {
        const value = input[i], first = i * units;
        if (value !== 0)
            for (let unit = 0; unit < units; unit++)
                out[unit] += value * weights[first + unit];
    }
}

/* Adds a channel of a pixel, times its weights, to the outputs whose windows it is in. */
function addToOutputs(layer, value, row, column, firstWeight, out, firstOut) {
    const [, , , outRows, outColumns, allUnits, kernelRows, kernelColumns, stride, padding, groups] = layer.sizes;
    const {weights} = layer, units = allUnits / groups;
    for (let i = 0; i < kernelRows; i++) {
        const y = row + padding - i;
        if (y < 0 || y % stride !== 0 || y >= outRows * stride)
            continue;
        for (let j = 0; j < kernelColumns; j++) {
            const x = column + padding - j;
            if (x < 0 || x % stride !== 0 || x >= outColumns * stride)
                continue;
            const w = firstWeight + (i * kernelColumns + j) * units;
            const o = firstOut + (y / stride * outColumns + x / stride) * allUnits;
            for (let unit = 0; unit < units; unit++)
                out[o + unit] += value * weights[w + unit];
        }
    }
}

/* out (outRows, outColumns, units) from input (rows, columns, channels) and weights (channels,
 * kernelRows, kernelColumns, units of a group), without the products with 0. */
function conv2d(layer, input, out) {
    const [rows, columns, channels, , , units, kernelRows, kernelColumns, , , groups] = layer.sizes;
    const channelsOfGroup = channels / groups, unitsOfGroup = units / groups;
    for (let o = 0; o < out.length; o += units)
        out.set(layer.biases, o);
    for (let pixel = 0, i = 0; pixel < rows * columns; pixel++)
        for (let channel = 0; channel < channels; channel++, i++)
            if (input[i] !== 0)
                addToOutputs(layer, input[i], Math.floor(pixel / columns), pixel % columns,
                    channel * kernelRows * kernelColumns * unitsOfGroup, out,
                    Math.floor(channel / channelsOfGroup) * unitsOfGroup);
}

/* out (outRows, outColumns, channels) from input (rows, columns, channels): the maxima of windows, or
 * their means. Pixels outside of the image are no maximum, and 0. */
function pool2d(layer, input, out, isMax) {
    const [rows, columns, channels, outRows, outColumns, kernelRows, kernelColumns, stride, padding] = layer.sizes;
    for (let y = 0, o = 0; y < outRows; y++)
        for (let x = 0; x < outColumns; x++)
            for (let channel = 0; channel < channels; channel++, o++) {
                const top = y * stride - padding, left = x * stride - padding;
                let sum = 0, max = -Infinity;
                for (let v = Math.max(top, 0); v < Math.min(top + kernelRows, rows); v++)
                    for (let u = Math.max(left, 0); u < Math.min(left + kernelColumns, columns); u++) {
                        const value = input[(v * columns + u) * channels + channel];
                        sum += value;
                        max = value > max ? value : max;
                    }
                out[o] = isMax ? max : sum / (kernelRows * kernelColumns);
            }
}

/* Each channel times its weight, plus its bias. */
function batchnorm2d(layer, input, out) {
    const channels = layer.biases.length;
    for (let i = 0; i < out.length; i++)
        out[i] = input[i] * layer.weights[i % channels] + layer.biases[i % channels];
}

function relu(layer, input, out) {
    for (let i = 0; i < out.length; i++)
        out[i] = Math.max(input[i], 0);
}

/* x times the normal distribution function of x, whose tail is a polynomial times a Gaussian. */
function gelu(layer, input, out) {
    const coefficients = [5.41508598e-5, 1.16037379e-4, -3.39911348e-4, -9.84182814e-4, 2.90470268e-3,
        6.13218313e-3, -4.62133139e-2, 1.23225018e-1, -2.06402615e-1, 1.21513948e-1];
    for (let i = 0; i < out.length; i++) {
        const t = Math.abs(input[i]), u = (t - 3) / (t + 3);
        const tail = coefficients.reduce((sum, coefficient) => sum * u + coefficient, 0);
        out[i] = Math.max(input[i], 0) - t * tail * Math.exp(-0.5 * t * t);
    }
}

const functions = {dense, conv2d, batchnorm2d, relu, gelu,
    maxpool2d: (layer, input, out) => pool2d(layer, input, out, true),
    avgpool2d: (layer, input, out) => pool2d(layer, input, out, false)};

function softmax(logits) {
    const max = Math.max(...logits), powers = Array.from(logits, (logit) => Math.exp(logit - max));
    const sum = powers.reduce((a, b) => a + b);
    return powers.map((power) => power / sum);
}

/* ---- the network in the page ---- */

const bytesOf = (base64) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));

/* IEEE 754's binary16: 1 bit for the sign, 5 for the exponent, 10 for the fraction. */
function halfValue(bits) {
    const exponent = (bits >> 10) & 31, fraction = bits & 1023;
    const value = exponent > 0 ? (1024 + fraction) * 2 ** (exponent - 25) : fraction * 2 ** -24;
    return bits >> 15 ? -value : value;
}

/* Little-endian numbers of 32 bits, or of 16. */
function floatsOf(base64, half) {
    const view = new DataView(bytesOf(base64).buffer), size = half ? 2 : 4;
    return Float32Array.from({length: view.byteLength / size}, (_, i) =>
        (half ? halfValue(view.getUint16(i * size, true)) : view.getFloat32(i * size, true)));
}

function networkFrom(text) {
    const network = JSON.parse(text);
    network.layers[network.layers.length - 1].isLast = true;
    for (const layer of network.layers)
        if (layer.weights !== undefined) {
            layer.weights = floatsOf(layer.weights, layer.half);
            layer.biases = floatsOf(layer.biases, false);
        }
    return network;
}

/* The probabilities of the classes, and each layer's output, of the bytes (rows, columns, channels) of
 * an image with a dark ground. */
function classify(network, bytes) {
    const {mean, std} = network.form, channels = network.input[2];
    let values = Float32Array.from(bytes, (value, i) => (std.length > 0
        ? (value / 255 - mean[i % channels]) / std[i % channels] : value / 255));
    const outputs = network.layers.map((layer) => {
        const out = new Float32Array(layer.out[0] * layer.out[1] * layer.out[2]);
        functions[layer.function](layer, values, out);
        values = out;
        return out;
    });
    return {probabilities: softmax(values), outputs};
}
