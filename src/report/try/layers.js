/* The layers on the page: what each does, in one sentence, and its values as an image. */

const plural = (number, thing) => `${number} ${thing}${number === 1 ? "" : "s"}`;
const windowOf = (sizes) => `${sizes[sizes.length - 4]} x ${sizes[sizes.length - 3]}`;

/* By kind; `sizes` are those of network.js. */
const sentences = {
    dense: (layer) => `Each unit adds up the ${layer.in.reduce((a, b) => a * b)} values before it, each times a ` +
        `weight of its own, and a bias${layer.isLast ? ": the sum is the logit of its class" : ""}.`,
    conv2d: ({sizes}) => `Each map is the answer to one small pattern, ${sizes[6]} x ${sizes[7]} weights for each ` +
        "map before it, at every place of the image.",
    maxpool2d: ({sizes}) => `Of each window of ${windowOf(sizes)} values the largest stays: maps get smaller, and ` +
        "exact places matter less.",
    avgpool2d: ({sizes}) => `Each window of ${windowOf(sizes)} values becomes its mean: maps get smaller and smoother.`,
    globalavgpool: () => "Each map becomes one number, its mean.",
    batchnorm2d: () => "Each map is scaled and shifted by two numbers from training, which keep its values in a " +
        "common range.",
    relu: () => "Negative values become 0, others stay: without such a step, layers after each other could do no " +
        "more than one.",
    gelu: () => "Negative values become nearly 0, others nearly stay, with a smooth bend between.",
};

/* A layer's values as images: maps of (rows, columns), or a strip of single values. */
function mapsOf([rows, columns, channels]) {
    return channels === 1 && rows === 1 ? {rows: 1, columns: 1, count: columns} : {rows, columns, count: channels};
}

const LEVELS = 255;

/* The theme's colors of values from the largest below 0 to the largest above, 0 at LEVELS, as pixels. */
function themeColors() {
    const style = getComputedStyle(document.documentElement);
    const [zero, positive, negative] = ["--zero", "--positive", "--negative"].map((name) =>
        [1, 3, 5].map((i) => parseInt(style.getPropertyValue(name).trim().slice(i, i + 2), 16)));
    const pixels = new Uint8ClampedArray(4 * (2 * LEVELS + 1)).fill(255);
    for (let level = -LEVELS; level <= LEVELS; level++)
        for (let c = 0; c < 3; c++) {
            const end = level > 0 ? positive : negative;
            pixels[4 * (level + LEVELS) + c] = zero[c] + Math.abs(level) / LEVELS * (end[c] - zero[c]);
        }
    return new Uint32Array(pixels.buffer);
}

/* The largest of the values without their signs, and how many are above 0. */
function extentOf(values) {
    let max = 0, positive = 0;
    for (let i = 0; i < values.length; i++) {
        max = Math.max(max, Math.abs(values[i]));
        positive += values[i] > 0 ? 1 : 0;
    }
    return {max, positive};
}

const STRIP_HEIGHT = 18; /* CSS pixels */

/* Setting a size that the canvas has would cost a layout of the page. */
function resize(canvas, width, height) {
    if (canvas.width !== width || canvas.height !== height)
        [canvas.width, canvas.height] = [width, height];
}

/* Draws maps beside each other, as many as fit into `width` CSS pixels, on the canvas: `scale` CSS
 * pixels a value, and a gap between maps, but not between the values of a strip. */
function drawMaps(canvas, {rows, columns, count}, values, max, width, colors) {
    const strip = rows * columns === 1, gap = strip ? 0 : 1;
    const scale = strip ? Math.max(8, Math.min(24, Math.floor(width / count)))
        : Math.max(1, Math.min(8, Math.floor(width / columns), Math.ceil(56 / columns)));
    const across = Math.max(1, Math.min(count, Math.floor((width / scale + gap) / (columns + gap))));
    resize(canvas, across * (columns + gap) - gap, Math.ceil(count / across) * (rows + gap) - gap);
    canvas.style.width = `${canvas.width * scale}px`;
    canvas.style.height = strip ? `${canvas.height * STRIP_HEIGHT}px` : "";
    const context = canvas.getContext("2d"), image = context.createImageData(canvas.width, canvas.height);
    const pixels = new Uint32Array(image.data.buffer), factor = max > 0 ? LEVELS / max : 0;
    for (let map = 0; map < count; map++) {
        const first = Math.floor(map / across) * (rows + gap) * canvas.width + map % across * (columns + gap);
        for (let y = 0, i = map; y < rows; y++)
            for (let x = 0; x < columns; x++, i += count)
                pixels[first + y * image.width + x] = colors[Math.round(factor * values[i]) + LEVELS];
    }
    context.putImageData(image, 0, 0);
}

/* The bytes (rows, columns, channels) of an image on a canvas, a pixel each. */
function drawImage(canvas, bytes, [rows, columns, channels]) {
    resize(canvas, columns, rows);
    const context = canvas.getContext("2d"), image = context.createImageData(columns, rows);
    for (let pixel = 0; pixel < rows * columns; pixel++) {
        for (let c = 0; c < 3; c++)
            image.data[4 * pixel + c] = bytes[pixel * channels + (channels === 1 ? 0 : c)];
        image.data[4 * pixel + 3] = 255;
    }
    context.putImageData(image, 0, 0);
}

const element = (name, properties, ...children) => {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
};

/* Adds a section for the layer to `parent`; returns a function that shows its values. */
function layerView(layer, parent) {
    const maps = mapsOf(layer.out), single = maps.rows * maps.columns === 1;
    const title = layer.kind + (layer.argument !== null ? `:${layer.argument}` : "");
    const size = single ? plural(maps.count, "value")
        : `${plural(maps.count, "map")} of ${maps.rows} x ${maps.columns}`;
    const canvas = element("canvas", {role: "img", className: "values"});
    parent.append(element("section", {className: "layer"},
        element("h3", {}, title, " ", element("small", {textContent: size})),
        element("p", {textContent: sentences[layer.kind](layer)}), canvas));
    return (values, {colors, width}) => {
        const {max, positive} = extentOf(values);
        canvas.ariaLabel = `Output of ${layer.name}: ${positive} of ${plural(values.length, "value")} above 0`;
        drawMaps(canvas, maps, values, max, width, colors);
    };
}
