#include "report/try.h"

#include "core/digest.h"
#include "core/endian.h"
#include "core/util.h"
#include "data/dataset.h"
#include "model/c_program.h"
#include "report/json.h"
#include "report/select_examples.h"
#include "report/template.h"

#include <math.h>
#include <mnist_blas/classifier.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IMAGES = 32, MISTAKES = 8 };

/* try.html and the scripts in try/, each ended by a 0. */
extern const char mb_try_template[], mb_try_script[];

/* ---- weights in 16 bits ---- */

/* The bits of the nearest number of IEEE 754's binary16, to which *value is set. Its numbers are
 * multiples of a unit, 2^-11 of the power of 2 above them, at least 2^-24. */
static uint16_t round_to_half(float *value)
{
    enum { MIN_EXPONENT = -13, DIGITS = 11, UNITS = 1024 };
    int exponent = MIN_EXPONENT;
    if (*value != 0.0f)
        frexpf(*value, &exponent);
    exponent = exponent < MIN_EXPONENT ? MIN_EXPONENT : exponent;
    const float units = nearbyintf(ldexpf(fabsf(*value), DIGITS - exponent));
    const int bits = (exponent - MIN_EXPONENT) * UNITS + (int)units;
    const bool negative = *value < 0.0f;
    *value = copysignf(ldexpf(units, exponent - DIGITS), *value);
    return (uint16_t)(bits | (negative ? 0x8000 : 0));
}

/* Weights have two or four dimensions; biases, and all of batch normalisations, one. */
static void round_weights(const mb_tensor_info *info, float *values)
{
    for (size_t i = 0; info->dimensions > 1 && i < info->elements; i++)
        round_to_half(&values[i]);
}

static mb_status copy_rounded(const mb_network *network, mb_network *copy, mb_error *error)
{
    for (size_t t = 0; t < mb_network_tensor_count(network); t++) {
        const mb_tensor_info info = mb_network_tensor_info(network, t);
        float *values = calloc(info.elements, sizeof *values);
        if (values == NULL)
            return mb_fail_memory(error, "try.html", info.elements * sizeof *values);
        mb_network_get_tensor(network, t, values);
        round_weights(&info, values);
        mb_network_set_tensor(copy, t, values);
        free(values);
    }
    mb_network_set_form(copy, mb_network_form(network));
    return MB_OK;
}

/* True if `network` gives all test images the classes of the report. */
static mb_status compare(mb_machine *machine, const mb_network *network, const mb_report *report,
                         bool *same, mb_error *error)
{
    const mb_images *images = &report->run->dataset->test.images;
    const size_t classes = network->classes;
    float *logits = calloc(images->count, classes * sizeof *logits);
    mb_status status = logits != NULL ? mb_classify_logits(machine, network, images, logits, error)
                                      : mb_fail_memory(error, "try.html", images->count * classes);
    *same = status == MB_OK;
    for (size_t i = 0; *same && i < images->count; i++)
        *same = mb_argmax(logits + i * classes, classes) ==
                mb_argmax(report->probabilities + i * classes, classes);
    free(logits);
    return status == MB_ERROR_DIVERGED ? MB_OK : status;
}

/* *rounded: the network with weights of 16 bits, if they change the class of no test image; else
 * NULL. */
static mb_status open_rounded(mb_machine *machine, const mb_network *network,
                              const mb_report *report, mb_network **rounded, mb_error *error)
{
    bool same = false;
    mb_network *copy = NULL;
    mb_status status = mb_network_open(machine, mb_network_spec(network), network->input,
                                       network->classes, &copy, error);
    if (status == MB_OK)
        status = copy_rounded(network, copy, error);
    if (status == MB_OK)
        status = compare(machine, copy, report, &same, error);
    *rounded = same ? copy : NULL;
    if (!same)
        mb_network_close(copy);
    return status;
}

/* ---- the network as JSON ---- */

static json_t *shape_json(mb_shape shape)
{
    return json_pack("[I, I, I]", (json_int_t)shape.rows, (json_int_t)shape.columns,
                     (json_int_t)shape.channels);
}

/* Values as base64 of little-endian floats, or of 16 bits each. */
static json_t *values_json(size_t count, float *values, bool half)
{
    const size_t size = half ? sizeof(uint16_t) : sizeof(float);
    uint8_t *bytes = calloc(count, size);
    if (bytes == NULL)
        return NULL;
    if (!half)
        mb_copy_le(bytes, values, count, size);
    for (size_t i = 0; half && i < count; i++) {
        const uint16_t bits = round_to_half(&values[i]);
        mb_copy_le(bytes + i * size, &bits, 1, size);
    }
    json_t *text = mb_json_base64(bytes, count * size);
    free(bytes);
    return text;
}

/* A call with its sizes, as classifier_float.c.in has them, and its parameters. */
static json_t *call_json(const mb_c_call *call, bool half)
{
    mb_c_parameters p;
    if (!mb_c_parameters_open(call, &p))
        return NULL;
    const mb_layer *layer = call->layer;
    json_t *sizes = json_array();
    for (size_t i = 0; i < call->size_count; i++)
        sizes = mb_json_append(sizes, json_integer(call->sizes[i]));
    json_t *json =
        json_pack("{s:s, s:s, s:s?, s:s, s:o, s:o, s:o}", "name", call->name, "kind",
                  layer->ops->name, "argument", layer->argument, "function", call->function, "in",
                  shape_json(call->in), "out", shape_json(call->out), "sizes", sizes);
    if (p.weight_count > 0) {
        const bool rounded = half && call->operation != MB_C_BATCHNORM2D;
        json = mb_json_merge(json, json_pack("{s:b, s:o, s:o}", "half", rounded, "weights",
                                             values_json(p.weight_count, p.weights, rounded),
                                             "biases", values_json(p.bias_count, p.biases, false)));
    }
    free(p.weights);
    return json;
}

static json_t *names_json(const mb_network *network)
{
    json_t *names = json_array();
    char number[24];
    if (network->class_names != NULL)
        return mb_json_texts(network->class_names, network->classes);
    for (size_t i = 0; i < network->classes; i++) {
        snprintf(number, sizeof number, "%zu", i);
        names = mb_json_append(names, json_string(number));
    }
    return names;
}

static json_t *floats_json(const float *values, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        array = mb_json_append(array, json_real((double)values[i]));
    return array;
}

static bool is_framed(const mb_network *network)
{
    return network->form.framing != MB_FRAMING_NONE && network->input.channels == 1;
}

/* The form of its images: pictures are brought to it as `predict` does. */
static json_t *form_json(const mb_network *network)
{
    const mb_image_form *form = &network->form;
    const mb_frame frame = mb_frame_of(is_framed(network) ? form->framing : MB_FRAMING_NONE);
    const size_t channels = mb_form_is_standardized(form) ? network->input.channels : 0;
    return json_pack("{s:f, s:b, s:b, s:o, s:o}", "box", frame.box, "byMass", frame.by_mass,
                     "light", form->ground == MB_GROUND_LIGHT, "mean",
                     floats_json(form->standardization.mean, channels), "std",
                     floats_json(form->standardization.std, channels));
}

/* `names` has the class names and the form of `network`, which may be its rounded copy. */
static json_t *network_json(const mb_network *network, const mb_network *names, bool half,
                            mb_error *error)
{
    mb_c_program program;
    if (mb_c_program_open(network, false, &program, error) != MB_OK)
        return NULL;
    json_t *layers = json_array();
    for (size_t i = 0; i < program.count; i++)
        layers = mb_json_append(layers, call_json(&program.calls[i], half));
    json_t *json = json_pack("{s:o, s:o, s:o, s:o}", "input", shape_json(network->input), "classes",
                             names_json(names), "form", form_json(names), "layers", layers);
    if (json == NULL)
        mb_fail_memory(error, "try.html", mb_network_parameter_count(network) * sizeof(float));
    return json;
}

/* ---- test images ---- */

/* The most confident mistakes, up to MISTAKES, in the place of some of an even spread. */
static size_t select_images(const mb_report *report, mb_prediction images[IMAGES])
{
    mb_prediction wrong[MISTAKES];
    const size_t count = mb_select_spread(report, IMAGES, images);
    const size_t mistakes = count == IMAGES ? mb_select_mistakes(report, MISTAKES, wrong) : 0;
    for (size_t i = 0; i < mistakes; i++) {
        bool shown = false;
        for (size_t k = 0; k < count; k++)
            shown = shown || images[k].image == wrong[i].image;
        if (!shown)
            images[(i + 1) * IMAGES / MISTAKES - 1] = wrong[i];
    }
    return count;
}

/* Images (count, rows, columns, channels) and labels. */
static json_t *examples_json(const mb_report *report)
{
    const mb_split *test = &report->run->dataset->test;
    const size_t stride = mb_images_stride(&test->images), channels = test->images.channels;
    mb_prediction selected[IMAGES];
    const size_t count = select_images(report, selected);
    uint8_t *pixels = calloc(count, stride);
    if (pixels == NULL)
        return NULL;
    json_t *labels = json_array();
    for (size_t i = 0; i < count; i++) {
        const uint8_t *image = test->images.pixels + selected[i].image * stride;
        for (size_t p = 0; p < stride; p++)
            pixels[i * stride + p] = image[p % channels * (stride / channels) + p / channels];
        labels = mb_json_append(labels, json_integer((json_int_t)selected[i].truth));
    }
    json_t *json =
        json_pack("{s:o, s:o}", "pixels", mb_json_base64(pixels, count * stride), "labels", labels);
    free(pixels);
    return json;
}

/* ---- the page ---- */

/* The script's digest, as a content security policy names it. */
static json_t *script_digest(void)
{
    uint8_t digest[MB_DIGEST_DIGITS / 2];
    mb_sha256_bytes(&(mb_span){mb_try_script, strlen(mb_try_script)}, 1, digest);
    return mb_json_base64(digest, sizeof digest);
}

static json_t *page_json(const mb_network *network, const json_t *content)
{
    const size_t flags = JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(MB_JSON_DIGITS);
    char *text = content != NULL ? json_dumps(content, flags) : NULL;
    if (text == NULL)
        return NULL;
    json_t *json = json_pack("{s:s, s:s, s:o, s:b, s:s, s:s}", "version", MB_VERSION, "script",
                             mb_try_script, "digest", script_digest(), "framed", is_framed(network),
                             "spec", mb_network_spec(network), "network", text);
    free(text);
    return json;
}

mb_status mb_try_make(mb_machine *machine, const mb_network *network, const mb_report *report,
                      mb_bytes *page, mb_error *error)
{
    mb_network *rounded = NULL;
    mb_status status =
        report != NULL ? open_rounded(machine, network, report, &rounded, error) : MB_OK;
    if (status != MB_OK)
        return status;
    const mb_network *shown = rounded != NULL ? rounded : network;
    mb_error why = {0};
    json_t *content = network_json(shown, network, rounded != NULL, &why);
    if (content != NULL && report != NULL)
        content = mb_json_merge(content, json_pack("{s:o}", "test", examples_json(report)));
    json_t *model = page_json(network, content);
    if (model != NULL)
        status = mb_template_render("try.html", mb_try_template, model, page, error);
    else if (why.status != MB_OK)
        status = mb_fail(error, why.status, "%s", why.text);
    else
        status =
            mb_fail_memory(error, "try.html", mb_network_parameter_count(network) * sizeof(float));
    json_decref(model);
    json_decref(content);
    mb_network_close(rounded);
    return status;
}

mb_status mb_try_write(mb_machine *machine, const mb_network *network, const mb_dataset *dataset,
                       const char *path, mb_error *error)
{
    const mb_run run = {.dataset = dataset, .network = network};
    const mb_images *images = dataset != NULL ? &dataset->test.images : NULL;
    float *probabilities = NULL;
    mb_bytes page = {0};
    mb_status status = MB_OK;
    if (images != NULL) {
        probabilities = calloc(images->count, network->classes * sizeof *probabilities);
        status = probabilities != NULL
                     ? mb_classify_probabilities(machine, network, images, probabilities, error)
                     : mb_fail_memory(error, path, images->count * network->classes);
    }
    const mb_report report = {&run, probabilities};
    if (status == MB_OK)
        status = mb_try_make(machine, network, images != NULL ? &report : NULL, &page, error);
    if (status == MB_OK)
        status = mb_file_write_named(path, page.data, page.size, error);
    free(probabilities);
    free(page.data);
    return status;
}
