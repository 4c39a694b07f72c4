#include "info_network.h"

#include "cli.h"
#include "terminal.h"
#include "text_width.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void write_shape(mb_shape shape, char *text, size_t size)
{
    snprintf(text, size, "%zux%zux%zu", shape.channels, shape.rows, shape.columns);
}

static double forward_flops(const mb_network *network)
{
    double flops = 0.0;
    for (size_t i = 0; i < mb_network_layer_count(network); i++)
        flops += mb_network_layer_info(network, i).flops;
    return flops;
}

void mb_info_print_network(const mb_network *network, size_t batch_size, size_t threads)
{
    char in[64], out[64], name[64];
    printf("network    %s\n", mb_network_spec(network));
    printf("%5s  %-28s %14s %14s %12s %14s\n", "layer", "what", "in", "out", "parameters",
           "forward FLOP");
    for (size_t i = 0; i < mb_network_layer_count(network); i++) {
        const mb_layer_info layer = mb_network_layer_info(network, i);
        write_shape(layer.in, in, sizeof in);
        write_shape(layer.out, out, sizeof out);
        snprintf(name, sizeof name, "%s%s%s", layer.name, layer.argument != NULL ? ":" : "",
                 layer.argument != NULL ? layer.argument : "");
        printf("%5zu  %-28s %14s %14s %12zu %14.0f\n", i, name, in, out, layer.parameters,
               layer.flops);
    }
    printf("sum    %-58s %12zu %14.0f\n", "", mb_network_parameter_count(network),
           forward_flops(network));
    printf("training   %.0f FLOP per sample; %.1f MB for batches of %zu\n",
           mb_network_training_flops(network),
           1e-6 * mb_network_training_bytes(network, batch_size, threads), batch_size);
}

static json_t *layer_object(mb_layer_info layer)
{
    char in[64], out[64];
    write_shape(layer.in, in, sizeof in);
    write_shape(layer.out, out, sizeof out);
    return json_pack("{s:s, s:s?, s:s, s:s, s:I, s:f}", "kind", layer.name, "argument",
                     layer.argument, "in", in, "out", out, "parameters",
                     (json_int_t)layer.parameters, "forward_flops", layer.flops);
}

json_t *mb_info_append(json_t *array, json_t *element)
{
    if (json_array_append_new(array, element) == 0)
        return array;
    json_decref(array);
    return NULL;
}

json_t *mb_info_network(const mb_network *network, size_t batch_size, size_t threads)
{
    json_t *layers = json_array();
    for (size_t i = 0; i < mb_network_layer_count(network); i++)
        layers = mb_info_append(layers, layer_object(mb_network_layer_info(network, i)));
    return json_pack("{s:s, s:I, s:f, s:f, s:I, s:f, s:o}", "spec", mb_network_spec(network),
                     "parameters", (json_int_t)mb_network_parameter_count(network), "forward_flops",
                     forward_flops(network), "training_flops", mb_network_training_flops(network),
                     "batch_size", (json_int_t)batch_size, "training_bytes",
                     mb_network_training_bytes(network, batch_size, threads), "layers", layers);
}

/* ---- a model file ---- */

/* Reads a JSON file; *object is NULL if there is none. A file that cannot be read, or is not JSON,
 * is a warning. MB_ERROR_MEMORY. */
static mb_status read_json(const char *file, json_t **object, mb_error *error)
{
    json_error_t why;
    mb_error warning;
    errno = 0;
    *object = json_load_file(file, 0, &why);
    const int failure = errno;
    if (*object != NULL || failure == ENOENT)
        return MB_OK;
    if (failure == ENOMEM || why.text[0] == '\0' ||
        json_error_code(&why) == json_error_out_of_memory)
        return mb_fail_memory(error, file, sizeof why);
    mb_fail(&warning, MB_ERROR_FORMAT, "%s: %s", file, failure != 0 ? strerror(failure) : why.text);
    fprintf(stderr, "mnist_blas: warning: %s\n", warning.text);
    return MB_OK;
}

mb_status mb_info_find_summary(const char *path, const mb_network *network, json_t **summary,
                               mb_error *error)
{
    const char *slash = strrchr(path, '/');
    char *file = NULL;
    if (asprintf(&file, "%.*ssummary.json", slash != NULL ? (int)(slash - path + 1) : 0, path) < 0)
        return mb_fail_memory(error, path, strlen(path));
    const mb_status status = read_json(file, summary, error);
    free(file);
    const char *spec = json_string_value(json_object_get(*summary, "network"));
    const json_t *parameters = json_object_get(*summary, "parameters");
    if (spec == NULL || strcmp(spec, mb_network_spec(network)) != 0 ||
        (size_t)json_integer_value(parameters) != mb_network_parameter_count(network)) {
        json_decref(*summary);
        *summary = NULL;
    }
    return status;
}

/* null if they have none; NULL if memory is out. */
static json_t *names_of(const mb_network *network)
{
    const char *const *names = mb_network_class_names(network);
    if (names == NULL)
        return json_null();
    json_t *all = json_array();
    for (size_t i = 0; i < mb_network_classes(network); i++)
        all = mb_info_append(all, json_string(names[i]));
    return all;
}

json_t *mb_info_model(const char *path, const mb_network *network, json_t *summary)
{
    char input[64];
    write_shape(mb_network_input(network), input, sizeof input);
    const mb_image_form form = mb_network_form(network);
    const double threshold = mb_network_threshold(network);
    /* JSON is UTF-8, a file name may be anything */
    return json_pack(
        "{s:o?, s:s, s:I, s:o, s:s, s:s, s:b, s:f, s:o, s:O?}", "path", json_string(path), "input",
        input, "classes", (json_int_t)mb_network_classes(network), "class_names", names_of(network),
        "ground", mb_ground_names.values[form.ground].name, "framing",
        mb_framing_names.values[form.framing].name, "standardized", mb_form_is_standardized(&form),
        "temperature", mb_network_temperature(network), "confidence_threshold",
        threshold > 0.0 ? json_real(threshold) : json_null(), "summary", summary);
}

/* In lines as wide as the terminal, of one name at least. */
static void print_names(const mb_network *network)
{
    enum { INDENTATION = 11 };
    const mb_terminal terminal = mb_terminal_detect(STDOUT_FILENO);
    const size_t width = mb_terminal_width(&terminal), classes = mb_network_classes(network);
    const char *const *names = mb_network_class_names(network);
    size_t at = INDENTATION;
    if (names == NULL)
        return;
    printf("%-*s", INDENTATION, "classes");
    for (size_t i = 0; i < classes; i++) {
        const size_t taken = mb_text_columns(names[i]) + (i + 1 < classes ? 1 : 0);
        if (at > INDENTATION && at + 1 + taken > width) {
            printf("\n%*s", INDENTATION, "");
            at = INDENTATION;
        }
        at += taken + (size_t)printf("%s", at > INDENTATION ? " " : "");
        printf("%s%s", names[i], i + 1 < classes ? "," : "");
    }
    putchar('\n');
}

/* How it was trained, as far as the summary says. */
static void print_training(const json_t *summary)
{
    const char *data = json_string_value(json_object_get(summary, "data"));
    const char *optimizer = json_string_value(json_object_get(summary, "optimizer"));
    const char *schedule = json_string_value(json_object_get(summary, "schedule"));
    const json_t *accuracy = json_object_get(summary, "test_accuracy");
    const json_int_t epochs = json_integer_value(json_object_get(summary, "epochs"));
    if (data == NULL || optimizer == NULL || schedule == NULL || !json_is_number(accuracy)) {
        puts("trained    unknown: no summary.json of a finished run beside it");
        return;
    }
    printf("trained    %s, %s, lr %g %s, batch size %lld, %lld epoch%s, seed %lld: test accuracy "
           "%.2f %%\n           (summary.json beside it)\n",
           data, optimizer, json_number_value(json_object_get(summary, "lr")), schedule,
           json_integer_value(json_object_get(summary, "batch_size")), epochs,
           epochs == 1 ? "" : "s", json_integer_value(json_object_get(summary, "seed")),
           100.0 * json_number_value(accuracy));
}

void mb_info_print_model(const char *path, const mb_network *network, const json_t *summary)
{
    char input[64];
    write_shape(mb_network_input(network), input, sizeof input);
    const mb_image_form form = mb_network_form(network);
    printf("model      %s\nimages     %s, %zu classes, ground %s, framing %s%s\n", path, input,
           mb_network_classes(network), mb_ground_names.values[form.ground].name,
           mb_framing_names.values[form.framing].name,
           mb_form_is_standardized(&form) ? ", standardized" : "");
    print_names(network);
    if (mb_network_temperature(network) != 1.0)
        printf("calibrated temperature %.4g\n", mb_network_temperature(network));
    if (mb_network_threshold(network) > 0.0)
        printf("threshold  probability %.6g, by the validation images\n",
               mb_network_threshold(network));
    print_training(summary);
}
