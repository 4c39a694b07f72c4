/* The page: drawing, pictures, test images, and what the network makes of them. */

const byId = (id) => document.getElementById(id);
const network = networkFrom(byId("network").content.textContent);
const [ROWS, COLUMNS, CHANNELS] = network.input;
const SIDE = 140; /* of the picture that is drawn, in its pixels */
const MAX_BARS = 12;
const paper = network.form.box > 0 || network.form.light || CHANNELS > 1 ? "#ffffff" : "#000000";
const drawing = byId("drawing"), shown = drawing.getContext("2d");
const sheet = new OffscreenCanvas(SIDE, SIDE).getContext("2d", {willReadFrequently: true});
const views = network.layers.map((layer) => layerView(layer, byId("layers")));
let state = {}; /* what is shown: image, result; test: number of the test image, or -1 */

/* ---- results ---- */

const percent = (probability) => `${(100 * probability).toFixed(1)} %`;
const bars = network.classes.slice(0, MAX_BARS).map(() => {
    const bar = {name: element("bdi", {}), level: element("i", {}), text: element("span", {})};
    byId("bars").append(element("li", {}, bar.name, element("span", {className: "bar"}, bar.level), bar.text));
    return bar;
});

/* All classes in their order, or the most probable ones. */
function showBars(probabilities) {
    let classes = [...network.classes.keys()];
    if (classes.length > MAX_BARS)
        classes = classes.sort((a, b) => probabilities[b] - probabilities[a]).slice(0, MAX_BARS);
    const best = Math.max(...probabilities);
    bars.forEach((bar, i) => {
        const probability = probabilities[classes[i]];
        bar.name.textContent = network.classes[classes[i]];
        bar.level.style.width = `${100 * probability}%`;
        bar.text.textContent = percent(probability);
        bar.text.parentElement.className = best > 0 && probability === best ? "best" : "";
    });
}

function say(text, kind = "") {
    byId("answer").textContent = text;
    byId("answer").className = kind;
}

function showAnswer({probabilities}, test) {
    const best = probabilities.indexOf(Math.max(...probabilities));
    const answer = `${network.classes[best]} (${percent(probabilities[best])})`;
    if (test < 0)
        return say(`Predicted class: ${answer}`);
    const truth = network.test.labels[test], right = truth === best;
    return say(`Test image ${test + 1} of ${network.test.labels.length}, class ${network.classes[truth]}: predicted ` +
        `${answer}, ${right ? "right \u2713" : "wrong \u2717"}`, right ? "right" : "wrong");
}

/* How layers are drawn; read when the page changes only, for reading costs a layout. */
let look = null;

function showLayers() {
    views.forEach((show, i) => show(state.result.outputs[i], look));
}

function takeLook() {
    look = {colors: themeColors(), width: byId("layers").clientWidth};
}

function showAgain() {
    takeLook();
    showLayers();
}

/* Classifies an image of the network; `test` is its number if it is a test image. */
function showImage(image, test = -1) {
    state = {image, test, result: classify(network, image)};
    drawImage(byId("image"), image, network.input);
    showBars(state.result.probabilities);
    showAnswer(state.result, test);
    showLayers();
}

/* Nothing is classified; `text` says why. */
function showNothing(text, kind) {
    state = {image: new Uint8Array(ROWS * COLUMNS * CHANNELS), test: -1,
        result: {outputs: network.layers.map(({out}) => new Float32Array(out[0] * out[1] * out[2]))}};
    drawImage(byId("image"), state.image, network.input);
    showBars(network.classes.map(() => 0));
    say(text, kind);
    showLayers();
}

function showPicture(pixels) {
    try {
        showImage(imageOf(pixels, network));
    } catch (error) {
        showNothing(error.message, "wrong");
    }
}

/* ---- drawing ---- */

/* What is drawn goes to the sheet, which is classified, and larger to the canvas. */
function onBoth(draw) {
    for (const context of [sheet, shown]) {
        const {width, height} = context.canvas;
        context.setTransform(width / SIDE, 0, 0, height / SIDE, 0, 0);
        draw(context);
    }
}

let isDrawing = false; /* the sheet has a drawing, and no picture */
let isDue = false;

function wipe() {
    isDrawing = false;
    onBoth((context) => {
        context.fillStyle = paper;
        context.fillRect(0, 0, SIDE, SIDE);
    });
}

function clear() {
    wipe();
    showNothing("Draw something, or drop a picture on the page.");
}

function classifySoon() {
    if (!isDue)
        requestAnimationFrame(() => {
            isDue = false;
            showPicture(sheet.getImageData(0, 0, SIDE, SIDE));
        });
    isDue = true;
}

function stroke(from, to) {
    if (!isDrawing)
        wipe();
    isDrawing = true;
    onBoth((context) => {
        context.strokeStyle = CHANNELS > 1 ? byId("color").value : paper === "#ffffff" ? "#000000" : "#ffffff";
        context.lineWidth = SIDE / 12;
        context.lineCap = context.lineJoin = "round";
        context.beginPath();
        context.moveTo(...from);
        context.lineTo(...to);
        context.stroke();
    });
    classifySoon();
}

const placeOf = (event) => {
    const box = drawing.getBoundingClientRect();
    return [(event.clientX - box.left) * SIDE / box.width, (event.clientY - box.top) * SIDE / box.height];
};

let pen = null; /* place of the pointer that draws */
drawing.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !event.isPrimary)
        return;
    drawing.setPointerCapture(event.pointerId);
    pen = placeOf(event);
    stroke(pen, pen);
});
drawing.addEventListener("pointermove", (event) => {
    if (pen === null || !event.isPrimary)
        return;
    for (const one of event.getCoalescedEvents?.() ?? [event]) {
        const to = placeOf(one);
        stroke(pen, to);
        pen = to;
    }
});
for (const end of ["pointerup", "pointercancel"])
    drawing.addEventListener(end, () => {
        pen = null;
    });

/* The arrow keys move a cursor, and draw with Shift. */
const cursor = [SIDE / 2, SIDE / 2];
const arrows = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};
function showCursor() {
    byId("cursor").style.left = `${100 * cursor[0] / SIDE}%`;
    byId("cursor").style.top = `${100 * cursor[1] / SIDE}%`;
}
drawing.addEventListener("keydown", (event) => {
    const arrow = arrows[event.key], from = [...cursor];
    if (arrow === undefined)
        return;
    event.preventDefault();
    for (const axis of [0, 1])
        cursor[axis] = Math.min(Math.max(cursor[axis] + SIDE / 28 * arrow[axis], 0), SIDE);
    showCursor();
    if (event.shiftKey)
        stroke(from, cursor);
});

/* ---- pictures and test images ---- */

/* As large as fits on the canvas; what is classified is the source. */
function showOnCanvas(source, width, height) {
    wipe();
    const scale = SIDE / Math.max(width, height);
    shown.imageSmoothingEnabled = scale < 1;
    shown.drawImage(source, (SIDE - width * scale) / 2, (SIDE - height * scale) / 2, width * scale, height * scale);
}

async function openPicture(blob) {
    const options = {colorSpaceConversion: "none", premultiplyAlpha: "none"};
    try {
        const bitmap = await createImageBitmap(blob, options), {width, height} = bitmap;
        const context = new OffscreenCanvas(width, height).getContext("2d");
        context.drawImage(bitmap, 0, 0);
        showOnCanvas(bitmap, width, height);
        showPicture(context.getImageData(0, 0, width, height));
    } catch {
        clear();
        say("This is no picture that the browser can read.", "wrong");
    }
}

function showTest(number) {
    const size = ROWS * COLUMNS * CHANNELS, image = network.test.pixels.subarray(number * size, (number + 1) * size);
    drawImage(byId("image"), image, network.input);
    showOnCanvas(byId("image"), COLUMNS, ROWS);
    showImage(image, number);
}

function openFrom(transfer) {
    const file = [...transfer.files].find(({type}) => type.startsWith("image/"));
    if (file !== undefined)
        openPicture(file);
    else
        say("There is no picture in it.", "wrong");
}

for (const name of ["dragover", "drop"])
    addEventListener(name, (event) => event.preventDefault());
addEventListener("drop", (event) => openFrom(event.dataTransfer));
addEventListener("paste", (event) => openFrom(event.clipboardData));
byId("file").addEventListener("change", ({target}) => target.files.length > 0 && openPicture(target.files[0]));
byId("clear").addEventListener("click", clear);
if (network.test !== undefined) {
    network.test.pixels = bytesOf(network.test.pixels);
    const tests = network.test.labels.length;
    for (const [id, step] of [["previous", -1], ["next", 1]])
        byId(id).addEventListener("click", () =>
            showTest(state.test < 0 ? (step > 0 ? 0 : tests - 1) : (state.test + step + tests) % tests));
}
byId("tests").hidden = network.test === undefined;
byId("color").parentElement.hidden = CHANNELS === 1;

addEventListener("resize", showAgain);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", showAgain);

/* For the console, and for tests. Bytes are (rows, columns, channels), with a dark ground. */
globalThis.mnistBlas = {
    network,
    classify: (bytes) => classify(network, bytes),
    imageOf: (pixels) => imageOf(pixels, network),
    open: openPicture,
    shown: () => ({...state, answer: byId("answer").textContent}),
};

takeLook();
clear();
showCursor();
if (network.test !== undefined)
    showTest(0);
